"""A clock that jumps back: the numbers in the log decide, and no time does."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.graph import Graph
from assets.materialize import Materializer
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from registry.models import Models
from registry.settings import RegistrySettings
from tests.crash import line_on_duckdb
from tests.crash.ledger import Ledger
from tests.journey.workplace import Workplace

LINE = (line_on_duckdb.landing, line_on_duckdb.received, line_on_duckdb.orders, line_on_duckdb.sized)


def run_at(place: Workplace, now: datetime) -> None:
    lake = Lake(LakeSettings(lakeline_home=place.home))
    models = Models(RegistrySettings(lakeline_home=place.home), lake)
    done = Materializer(lake, models, Graph.of(LINE), clock=lambda: now).run()
    assert done.is_ok, done


def shift(lake: Path, by: timedelta) -> None:
    """Rewrites the times in all logs, as if the clock had gone wrong when they were written."""
    for file in lake.rglob("_delta_log/*.json"):
        actions = [json.loads(line) for line in file.read_text().splitlines()]
        for action in actions:
            if "commitInfo" in action:
                action["commitInfo"]["timestamp"] += int(by.total_seconds() * 1000)
        file.write_text("".join(json.dumps(action) + "\n" for action in actions))


@pytest.mark.slow
def test_after_a_clock_was_set_back_a_year_the_next_runs_go_on_as_before(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    ledger.land()
    run_at(ledger.place, now)
    shift(ledger.lake, timedelta(days=365))
    for file in (ledger.place.home / "landing").rglob("*.csv"):
        file.touch()
    for days in (0, -1, -2):
        ledger.land()
        run_at(ledger.place, now + timedelta(days=days))
        ledger.examine_tables()
    assert set(ledger.place.states().values()) - {"MISSING", "BLOCKED"} == {"FRESH"}
