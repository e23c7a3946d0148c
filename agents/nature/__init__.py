"""Nature: how the fair price moves, one file a variant, and the reference venues that trade around it."""
