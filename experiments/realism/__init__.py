"""Is the simulated market like a real one? Stylised facts of both, and a crowd calibrated to them."""
