"""Players with a trade of their own, one file each."""
