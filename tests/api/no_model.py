"""Definitions without a model, so that there is nothing to serve."""

from assets import external

landed = external("landing.nothing", files="nothing/*.csv", columns=("id",))
