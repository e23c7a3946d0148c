"""What others proved, recorded and lived through, held against what this game gives: one file a subject."""
