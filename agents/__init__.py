"""The players: everyone who sees the machine and submits transactions to it, and the nature they all face."""
