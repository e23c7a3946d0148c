"""One question, one sweep, one figure a file."""
