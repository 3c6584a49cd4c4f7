"""Hints that the registry has changed: they bring the next question forward, and are never believed."""
