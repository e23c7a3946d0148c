"""Who bears what is left."""
