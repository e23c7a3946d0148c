"""How fast the game is, against the same game written the plain Mesa way."""
