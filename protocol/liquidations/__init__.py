"""What happens below maintenance."""
