"""Who is served first."""
