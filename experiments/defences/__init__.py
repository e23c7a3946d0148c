"""Rules that one can switch in against attacks: one file a defence."""
