"""What a person is shown who is asked about a model's version."""

from dataclasses import replace
from pathlib import Path

import pytest

from assets.gate import Gate
from assets.predicted import Said, agreement, predicted_by
from assets.step import Predictions
from dags.bridge.report import report
from lakehouse.lake import Lake
from registry.models import Models
from registry.promote import Decision
from tests.assets.authored import line_of_tree, made_by, numbers, told_by


@pytest.fixture
def lake(own_home: Path) -> Lake:
    return Lake.from_env()


@pytest.mark.slow
def test_two_versions_are_compared_by_metrics_data_drift_and_predictions(lake: Lake) -> None:
    models = Models.from_env(lake)
    for count, by in ((10, "ann"), (14, "bob")):
        rows, tree, told = numbers("gold.rows", range(count)), line_of_tree(), told_by("gold.told", "staging")
        made_by(lake, rows, tree).run()
        models.promote("tree", 1 if count == 10 else 2, "staging", by=by, why="")
        made_by(lake, rows, tree, told).run()
    models.promote("tree", 1, "production", by="ann", why="")
    gate = Gate.from_env("tree", mirror_stages=False)
    comparison = gate.compare("production", 2)
    first, second = models.versions("tree")
    before = predicted_by(lake, "gold.told", first)
    after = predicted_by(lake, "gold.told", second)
    assert (before, after) == (0, 1)
    shown = gate.agreement_between(comparison, Predictions(table="gold.told", of="told", by="id"))
    assert shown == agreement(lake, "gold.told", "told", "id", before, 1)
    assert shown is not None
    assert (shown.rows, shown.both, shown.same) == (14, 10, 10)
    told_so = report(comparison, {"gold.rows": (4, 0)}, {}, shown)
    assert "version 2 for `production`, where v1 stands" in told_so
    assert "| accuracy | 0.9 | 0.9 |" in told_so
    assert "| `gold.rows` | v0 | v1 | 4 added, 0 removed |" in told_so
    assert "| predicted | v1 | v2 | v2, all rows |" in told_so
    assert "| `1` | 5 | 5 | 9 |" in told_so, "the rows of both are compared, and not others"
    assert "Of 10 rows that both predicted, 10 are the same." in told_so
    assert "By its rule v2 may take its place" in told_so
    assert "reason is needed" not in told_so
    worse = replace(comparison, decision=Decision(better=False, reasons=("accuracy 0.9 (v1) -> 0.8 (v2)",)))
    first_line = report(worse, {}, {}, None).splitlines()[0]
    assert first_line.startswith("**v2 is worse than v1 by its rule: to approve it, a reason is needed.**")


@pytest.mark.slow
def test_a_first_version_has_nothing_beside_it(lake: Lake) -> None:
    rows, tree, told = numbers("gold.rows", range(4)), line_of_tree(), told_by("gold.told", "staging")
    models = Models.from_env(lake)
    made_by(lake, rows, tree).run()
    models.promote("tree", 1, "staging", by="ann", why="")
    made_by(lake, rows, tree, told).run()
    shown = agreement(lake, "gold.told", "told", "id", None, 0)
    assert (shown.rows, shown.both, shown.said) == (4, 0, (Said(told="0", before=0, after=0, total=4),))
    comparison = Gate.from_env("tree", mirror_stages=False).compare("production", 1)
    told_so = report(comparison, {}, {}, shown)
    assert "| predicted | v1, all rows |" in told_so
    assert "where none yet stands" in told_so
    assert "no version is there to compare it with" in told_so
