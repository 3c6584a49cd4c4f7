"""What should exist, and making it exist. An author of definitions needs no other import than this one."""

from assets.author import asset, external, model
from assets.check import CheckOutcome, custom, references, rows, unique
from assets.job import Cron, OnUpdate, job
from assets.matching import matches
from assets.measure import fresh, row_count
from assets.step import Approve, Check, Materialize, Predictions, Tend, WaitFor
from assets.trained import Trained
from assets.write import merge

__all__ = [
    "Approve",
    "Check",
    "CheckOutcome",
    "Cron",
    "Materialize",
    "OnUpdate",
    "Predictions",
    "Tend",
    "Trained",
    "WaitFor",
    "asset",
    "custom",
    "external",
    "fresh",
    "job",
    "matches",
    "merge",
    "model",
    "references",
    "row_count",
    "rows",
    "unique",
]
