"""Thousands of traders as columns."""
