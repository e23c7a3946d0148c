"""Seats for learners: roles whose moves come from outside, and a PettingZoo environment around a game (extra `rl`)."""
