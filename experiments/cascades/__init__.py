"""Why each liquidation happened, what it set off, and how far that went."""
