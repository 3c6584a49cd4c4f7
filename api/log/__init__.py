"""The prediction log: what was answered, kept until it stands in the lake."""
