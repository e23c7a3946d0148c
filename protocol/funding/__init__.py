"""What one side pays the other for holding."""
