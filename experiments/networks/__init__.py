"""Who owes whom, who paid whom, who holds what: networks of a run, and what happens in them when somebody fails."""
