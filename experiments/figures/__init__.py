"""One style; one file a figure."""
