"""What a market refuses beyond its margin rule."""
