"""Where trades find a price."""
