"""Planted flaws, to measure the prober by: each a sound world, and one mistake of a kind that has cost somebody money."""
