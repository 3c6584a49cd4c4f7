"""The shipped example: iris, from landed measurements to predictions."""
