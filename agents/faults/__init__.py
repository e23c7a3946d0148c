"""Ways in which a reporter fails: one file a fault."""
