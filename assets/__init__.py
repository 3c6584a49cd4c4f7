"""What should exist, and making it exist. An author of definitions needs no other import than this one."""

from assets.asset import asset, external, model
from assets.check import matches, references, rows, unique
from assets.trained import Trained
from assets.write import merge

__all__ = ["Trained", "asset", "external", "matches", "merge", "model", "references", "rows", "unique"]
