"""Predicting the rows of a file, without a server."""
