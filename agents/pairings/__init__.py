"""How the two legs of a position over two chains are brought together, one rule a file."""
