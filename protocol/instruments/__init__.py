"""What a balance is worth."""
