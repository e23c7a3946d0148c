"""The arsenal against a scenario: which attacks pay, by how much, who pays for them, and which rule stops them cheapest."""
