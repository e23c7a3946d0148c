"""The search behind the prober: verbs composed at random, kept by what they reach, judged by what can be taken home."""
