"""Sweeps: many runs of one scenario, varied, kept, and gone on with after anything has stopped them."""
