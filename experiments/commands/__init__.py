"""Commands of `undertow` that are too much for one file: each module's `app` is added to the command line."""
