"""Players who want what is not theirs: one file an attack."""
