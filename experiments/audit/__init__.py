"""The audit: everything at once against a protocol, within a stated number of runs; and the search for a better protocol."""
