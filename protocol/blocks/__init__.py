"""When the next block comes."""
