"""How traders with several markets to choose from place an order, one rule a file."""
