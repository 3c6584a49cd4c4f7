"""Disks that cannot be written to: one line says so, nothing is lost, and once they can be the next run goes on."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.killing import Ended, finished
from tests.crash.ledger import MODEL, Ledger, aliases, count, events
from tests.crash.small_world import SmallWorld, small_world, why_none
from tests.journey.workplace import Workplace

pytestmark = pytest.mark.slow

TABLES = "+gold.sized"


@pytest.fixture
def world() -> Iterator[SmallWorld]:
    """Mounts of the test's own, where this machine lets a test have them."""
    if (reason := why_none()) is not None:
        pytest.skip(reason)
    with small_world() as made:
        yield made


def refused(ended: Ended, *words: str) -> None:
    """It failed, and said so in one line that holds one of the words."""
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err + ended.out
    told = [line for line in (ended.err + ended.out).splitlines() if any(word in line for word in words)]
    assert told, ended


@pytest.mark.long
def test_a_lake_that_is_read_only_fails_the_work_and_a_promotion_moves_nothing(
    ledger: Ledger, world: SmallWorld
) -> None:
    place = ledger.place
    ledger.land()
    finished(place, "run")
    ledger.land()
    lake = str(place.lake)
    world.mount("--bind", lake, lake)
    world.mount("-o", "remount,bind,ro", lake)
    refused(world.lakeline(place, "run", TABLES), "Read-only file system")
    assert set(place.states().values()) == {"STALE"}

    before = aliases(place)
    promote = ("promote", MODEL, "--to", "staging", "--yes", "--why", "reviewed")
    refused(world.lakeline(place, *promote), "Read-only file system")
    assert aliases(place) == before
    finished(place, "models")
    assert events(place) == [], "what failed is not taken for a move that somebody else made"

    world.do("umount", lake)
    assert world.lakeline(place, *promote).code == 0
    assert world.lakeline(place, "run").code == 0
    ledger.examine()
    assert [event[:5] for event in events(place)][:1] == [("moved", "staging", None, 1, events(place)[0][4])]


def test_a_full_disk_under_the_lake_fails_the_work_wherever_it_ends(
    workplace: Callable[..., Workplace], world: SmallWorld, tmp_path: Path
) -> None:
    """The less is free, the earlier it ends: in a table's data, in its commit, in the quarantine, in the next table."""
    disk = tmp_path / "disk"
    disk.mkdir()
    world.mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk))
    place = workplace(LAKE_ROOT=str(disk / "lake"), LANDING_ROOT=str(tmp_path / "place" / ".lakeline" / "landing"))
    ledger = Ledger(place=place, lake=tmp_path / "seen")
    failed = 0
    for free in (0, 8, 20):
        ledger.land()
        full(world, disk, free)
        ended = world.lakeline(place, "run", TABLES)
        if ended.code:
            failed += 1
            refused(ended, "No space left", "StorageFull", "os error 28")
        seen(world, disk / "lake", ledger.lake)
        ledger.examine_half_way()
        (world.path(disk) / "filler").unlink()
        again = world.lakeline(place, "run", TABLES)
        assert again.code == 0, again
        seen(world, disk / "lake", ledger.lake)
        ledger.examine_tables()
    assert failed > 1


def test_a_full_disk_under_the_home_fails_the_training_and_leaves_no_half_model(
    workplace: Callable[..., Workplace], world: SmallWorld, tmp_path: Path
) -> None:
    outside = workplace()
    ledger = Ledger(place=outside)
    ledger.land()
    finished(outside, "run", TABLES)
    disk = tmp_path / "disk"
    disk.mkdir()
    world.mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk))
    world.do("cp", "-r", f"{outside.home}/.", str(disk))
    roots = {"LAKE_ROOT": str(outside.lake), "LANDING_ROOT": str(outside.home / "landing")}
    place = replace(outside, settings={**outside.settings, **roots, "LAKELINE_HOME": str(disk)})
    for free in (0, 120):
        full(world, disk, free)
        ended = world.lakeline(place, "run")
        if free == 0:
            refused(ended, "disk is full", "No space left", "disk I/O error")
        (world.path(disk) / "filler").unlink()
        assert not count(world.path(disk) / "mlflow.db", "registered_model_aliases") or ended.code == 0
    ended = world.lakeline(place, "run")
    assert ended.code == 0, ended
    assert world.lakeline(place, "doctor").code == 0
    ledger.examine_tables()


def seen(world: SmallWorld, lake: Path, copy: Path) -> None:
    """A copy of a lake of that world, for those who look at it from outside."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(world.path(lake), copy)


def full(world: SmallWorld, disk: Path, free_kilobytes: int) -> None:
    """Fills a disk up to a few kilobytes."""
    filler = disk / "filler"
    told = f"dd if=/dev/zero of={filler} bs=1k; truncate -s -{free_kilobytes}k {filler}; df -k {disk} >&2"
    world.do("sh", "-c", f"({told}) 2>/dev/null")
