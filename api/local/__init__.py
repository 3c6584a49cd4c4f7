"""The whole platform on one machine: what is started, in which order, watched and ended."""
