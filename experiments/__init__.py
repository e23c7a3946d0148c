"""The questions: scenarios, sweeps, metrics, figures and studies built on the game."""
