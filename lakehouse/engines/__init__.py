"""The engines; reached through the lake alone."""
