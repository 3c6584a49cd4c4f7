"""`kill -9` of a command at the moment at which something appears; the next run finishes what was begun, once."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.killing import appears, finished, lakeline
from tests.crash.ledger import MODEL, Ledger, aliases, count, events, moving
from tests.journey.workplace import Workplace

pytestmark = pytest.mark.slow

Seen = Callable[[], bool]


def before_the_commit(place: Workplace) -> Seen:
    """The first row group of a new version is there, and no commit tells of it yet."""
    return appears(place.lake / "silver" / "orders", "*.parquet")


def between_commit_and_report(place: Workplace) -> Seen:
    return appears(place.lake / "silver" / "orders" / "_delta_log", "*.json")


def during_the_quarantine(place: Workplace) -> Seen:
    return appears(place.lake / "quarantine" / "silver" / "orders" / "_delta_log", "*.json")


def during_the_training(place: Workplace) -> Seen:
    return _grows(place, "runs", "true")


def once_the_model_is_logged(place: Workplace) -> Seen:
    return _grows(place, "tags", "key = 'lakeline.logged'")


def once_the_model_is_registered(place: Workplace) -> Seen:
    return _grows(place, "model_versions", "true")


def once_the_model_is_journaled(place: Workplace) -> Seen:
    return appears(place.lake / "ops" / "model_journal" / "_delta_log", "*.json")


MOMENTS = (
    before_the_commit,
    between_commit_and_report,
    during_the_quarantine,
    during_the_training,
    once_the_model_is_logged,
    once_the_model_is_registered,
    once_the_model_is_journaled,
)


def test_promise_5_runs_that_were_killed_at_bad_moments_are_finished_by_the_next(ledger: Ledger) -> None:
    """One lake for all moments: what one of them left behind stands in the way of the next, which is killed, too."""
    ledger.land()
    finished(ledger.place, "run")
    for moment in MOMENTS:
        ledger.land()
        ended = lakeline(ledger.place, "run").kill_when(moment(ledger.place))
        assert ended.was_killed, (moment.__name__, ended)
        ledger.examine_half_way()
    finished(ledger.place, "run")
    ledger.examine()
    registered = count(ledger.place.home / "mlflow.db", "model_versions")
    assert aliases(ledger.place) == {"candidate": registered}


@pytest.mark.long
def test_a_promotion_that_was_killed_moved_the_alias_and_is_journaled_or_neither(ledger: Ledger) -> None:
    ledger.land()
    place = ledger.place
    finished(place, "run")
    database = place.home / "mlflow.db"
    command = ("promote", MODEL, "--to", "staging", "--yes", "--why", "reviewed by ann")

    noted = _grows(place, "registered_model_tags", "key LIKE 'lakeline.moving.%'")
    assert lakeline(place, *command).kill_when(noted).was_killed
    finished(place, "models")
    assert not list(moving(database))
    _agree(place)

    journaled = appears(place.lake / "ops" / "model_journal" / "_delta_log", "*.json")
    before = aliases(place).get("staging")
    if before is None:
        assert lakeline(place, *command).kill_when(journaled).was_killed
    finished(place, "models")
    assert aliases(place)["staging"] == 1, "a promotion that was journaled is finished by the next command"
    _agree(place)
    assert not list(moving(database))
    assert [(event[0], event[5]) for event in events(place)] == [("moved", "reviewed by ann")]

    done = lakeline(place, *command).wait()
    assert done.code == 0 and "already" in done.out
    ledger.examine()


def test_a_killed_landing_leaves_no_half_file(ledger: Ledger) -> None:
    big = ledger.place.folder / "big.csv"
    big.write_text("id,amount\n" + "1,1\n" * 3_000_000)
    landed = ledger.place.home / "landing" / "orders"
    landed.mkdir(parents=True)
    ended = lakeline(ledger.place, "land", str(big)).kill_when(appears(landed, ".*.part"))
    assert ended.was_killed
    assert [file for file in landed.glob("*.csv") if file.stat().st_size != big.stat().st_size] == []
    finished(ledger.place, "land", str(big))
    assert [file.stat().st_size for file in landed.glob("*.csv")] == [big.stat().st_size]


def _agree(place: Workplace) -> None:
    """MLflow has the alias where the journal tells that it was moved to."""
    moved = [event[3] for event in events(place) if event[0] == "moved"]
    assert aliases(place).get("staging") == (moved[-1] if moved else None)
    assert all(event[4] != "outside" for event in events(place))


def _grows(place: Workplace, table: str, where: str) -> Seen:
    database: Path = place.home / "mlflow.db"
    before = count(database, table, where)

    def seen() -> bool:
        time.sleep(0.002)
        return count(database, table, where) > before

    return seen
