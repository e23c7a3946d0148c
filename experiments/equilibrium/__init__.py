"""Empirical game analysis: who should play what against whom, with payoffs that are estimated by playing."""
