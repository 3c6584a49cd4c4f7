"""The page at `/`: what is served, and a form to try it; plain HTML that needs no script."""
