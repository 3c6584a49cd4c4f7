"""HTTP and the terminal."""
