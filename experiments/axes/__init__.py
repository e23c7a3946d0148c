"""What a sweep varies: one file an axis, found by walking."""
