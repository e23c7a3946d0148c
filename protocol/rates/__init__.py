"""What a loan costs."""
