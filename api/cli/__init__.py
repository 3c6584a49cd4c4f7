"""The terminal: each command gathers its options and calls one plain function."""
