"""What an account must keep."""
