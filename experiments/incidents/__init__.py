"""What happened, replayed: one file an incident, with its initial conditions, its actions and its outcome, each cited."""
