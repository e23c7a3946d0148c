"""Retail strategies: pooled accounts that hold what a rule says, and that a trader may buy into."""
