import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from airflow.sdk import Asset
from airflow.triggers.base import BaseEventTrigger

from assets import catalog
from assets.definitions.jobs import data
from assets.settings import WatchSettings
from dags.bridge.look import FolderLook, Look, Plain, Sight, TableLook
from dags.bridge.render import render
from dags.bridge.spec import WatchSpec
from dags.bridge.translate import translate
from dags.bridge.uri import uris
from dags.bridge.watch import PLACE, WRITTEN_SECONDS, NewsTrigger, watch
from dags.bridge.watched import watches
from lakehouse.errors import BadSetting, StoreUnreachable
from lakehouse.landing import land
from lakehouse.settings import LakeSettings
from lakehouse.table import Location
from tests.lakehouse.written_log import added, commit, described, info

POLL = 30.0


class Enough(Exception):
    """Ends a watch that would go on for ever."""


@dataclass
class Kept:
    """A store in this process; the next so many questions and commands are answered with an error."""

    values: dict[str, object] = field(default_factory=dict)
    refuses: int = 0

    async def aget(self, key: str, default: None = None) -> object:
        self._refuse()
        return self.values.get(key, default)

    async def aset(self, key: str, value: Plain) -> None:
        self._refuse()
        self.values[key] = value

    def _refuse(self) -> None:
        if self.refuses:
            self.refuses -= 1
            raise OSError("the database is away")


@dataclass
class Watched:
    """What a watch told, how long it paused, and what it said of itself."""

    news: list[Plain] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def watched(look: Look, store: Kept, *meanwhile: Callable[[], object]) -> Watched:
    """Watches for one look more than there are things that happen in the pauses between looks."""
    found, ahead = Watched(), iter(meanwhile)

    async def sleep(seconds: float) -> None:
        if seconds == WRITTEN_SECONDS:
            return
        found.pauses.append(seconds)
        happens = next(ahead, None)
        if happens is None:
            raise Enough
        happens()

    async def follow() -> None:
        async for news in watch(look, store, POLL, found.lines.append, sleep):
            found.news.append(news)

    with pytest.raises(Enough):
        asyncio.run(follow())
    return found


def killed_after_telling(look: Look, store: Kept) -> Plain:
    """The first news of a watch whose process ends before anything more is done."""

    async def first() -> Plain:
        return await anext(watch(look, store, POLL, print))

    return asyncio.run(first())


def nothing() -> None:
    """A pause in which nothing happens."""


def write(table: Path, *versions: int) -> None:
    for version in versions:
        commit(table, version, info(), *([described()] if version == 0 else []), added(f"f{version}", 1))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    write(folder, 0, 1)
    return folder


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


def table_look(table: Path) -> Look:
    return TableLook(LakeSettings.from_env(), Location(uri=str(table)))


def folder_look(landing: Path) -> Look:
    return FolderLook(landing, "iris/*.csv")


def send(landing: Path, name: str, text: str = "id\n1\n") -> None:
    source = landing.parent / name
    source.write_text(text)
    land(source, landing / "iris")


def test_a_table_that_is_there_already_is_told_of_once(table: Path) -> None:
    found = watched(table_look(table), Kept(), nothing, nothing)
    assert found.news == [{"table": str(table), "from": 0, "to": 1}]
    assert found.pauses == [POLL - WRITTEN_SECONDS, POLL, POLL]


def test_commits_between_two_looks_are_one_event_with_their_range(table: Path) -> None:
    found = watched(table_look(table), Kept(), lambda: write(table, 2, 3, 4), nothing, lambda: write(table, 5))
    assert [(news["from"], news["to"]) for news in found.news] == [(0, 1), (2, 4), (5, 5)]


def test_a_table_that_was_made_again_is_told_of(table: Path) -> None:
    found = watched(table_look(table), Kept(), lambda: shutil.rmtree(table), nothing, lambda: write(table, 0))
    assert [(news["from"], news["to"]) for news in found.news] == [(0, 1), (0, 0)]


def test_the_next_process_goes_on_where_this_one_ended(table: Path) -> None:
    store = Kept()
    assert watched(table_look(table), store).news
    assert watched(table_look(table), store).news == []
    write(table, 2, 3)
    assert watched(table_look(table), store).news == [{"table": str(table), "from": 2, "to": 3}]


def test_news_that_were_told_when_the_process_was_killed_are_told_again(table: Path, landing: Path) -> None:
    send(landing, "a.csv")
    for look in (table_look(table), folder_look(landing)):
        store = Kept()
        told = killed_after_telling(look, store)
        assert store.values == {}
        assert watched(look, store).news == [told]


def test_landed_files_are_told_of_by_name(landing: Path) -> None:
    def burst() -> None:
        for number in range(7):
            send(landing, f"b{number}.csv", f"id\n{number}\n")

    found = watched(folder_look(landing), Kept(), lambda: send(landing, "a.csv"), nothing, burst)
    assert [(news["files"], len(news["names"])) for news in found.news] == [(1, 1), (7, 5)]  # type: ignore[arg-type]
    assert found.news[0]["names"] == ["iris/a.csv"]
    assert found.news[0]["seen"] != found.news[1]["seen"]


def test_a_file_that_lands_while_nobody_watches_is_found(landing: Path) -> None:
    store = Kept()
    send(landing, "a.csv")
    assert watched(folder_look(landing), store).news
    assert watched(folder_look(landing), store).news == []
    send(landing, "b.csv")
    assert len(watched(folder_look(landing), store).news) == 1


def test_a_file_that_is_taken_away_wakes_nobody(landing: Path) -> None:
    send(landing, "a.csv")
    send(landing, "b.csv", "id\n2\n")
    found = watched(folder_look(landing), Kept(), (landing / "iris/a.csv").unlink, lambda: send(landing, "c.csv"))
    assert [news["files"] for news in found.news] == [2, 1]


def test_a_file_that_is_being_written_to_waits_for_the_next_look(landing: Path) -> None:
    (landing / "iris").mkdir()
    growing = landing / "iris" / "a.csv"
    found = watched(
        folder_look(landing),
        Kept(),
        lambda: growing.write_text("id\n"),
        lambda: os.utime(growing, (1_700_000_000, 1_700_000_000)),
    )
    assert found.pauses[:2] == [POLL, POLL]
    assert [news["names"] for news in found.news] == [["iris/a.csv"]]


def test_a_store_that_is_away_is_asked_less_and_less_often(table: Path) -> None:
    store = Kept(refuses=5)
    found = watched(table_look(table), store, *[nothing] * 6)
    assert found.pauses[:5] == [60, 120, 240, 300, 300]
    assert len(found.news) == 1
    assert store.values.keys() == {PLACE}
    assert found.lines[0] == "Airflow does not keep its place: the database is away; the next look is in 60 seconds"
    assert found.lines[-1] == "all is well again after 5 errors"


def test_news_are_told_once_where_the_store_cannot_keep_their_place(table: Path) -> None:
    store = Kept()

    def away() -> None:
        store.refuses = 2
        write(table, 2)

    found = watched(table_look(table), store, away, nothing, nothing, nothing)
    assert [(news["from"], news["to"]) for news in found.news] == [(0, 1), (2, 2)]
    assert watched(table_look(table), store).news == []


def test_what_cannot_be_looked_at_is_looked_at_again(table: Path) -> None:
    errors = [StoreUnreachable("s3://b/t", "connection refused")] * 2
    inner = table_look(table)

    def look(place: object) -> Sight:
        if errors:
            raise errors.pop()
        return inner(place)

    found = watched(look, Kept(), nothing, nothing, nothing)
    assert len(found.news) == 1
    assert found.pauses[:2] == [60, 120]
    assert found.lines[0].startswith("it cannot be looked at: 's3://b/t' could not be reached: connection refused")


def test_a_place_of_another_form_is_none(table: Path) -> None:
    for place in ({"seen": "0"}, [], 7, "x"):
        assert len(watched(table_look(table), Kept({PLACE: place})).news) == 1


def test_a_slow_look_keeps_nobody_else_waiting(table: Path) -> None:
    others_went_on = threading.Event()

    def look(place: object) -> Sight:
        assert others_went_on.wait(10)
        raise Enough

    async def both() -> None:
        async def other() -> None:
            others_went_on.set()

        going = asyncio.ensure_future(anext(watch(look, Kept(), POLL, print)))
        await asyncio.sleep(0)
        await other()
        with pytest.raises(Enough):
            await going

    asyncio.run(both())


def test_the_triggerer_makes_the_same_trigger_again() -> None:
    made = NewsTrigger(key="landing.iris", place="/landing", pattern="iris/*.csv", poll_seconds=30)
    path, own = made.serialize()
    assert path == f"{NewsTrigger.__module__}.{NewsTrigger.__name__}"
    assert isinstance(made, BaseEventTrigger)
    assert NewsTrigger(**own).serialize() == (path, own)  # type: ignore[arg-type]
    assert own["key"] == "landing.iris"


def test_externals_are_watched_where_they_lie() -> None:
    settings = LakeSettings(lake_root="s3://bucket/lake", landing_root=Path("/landing"))
    found = watches(catalog.load(["tests.dags.shop"]), settings, 30)
    assert found == {
        "landing.order_files": WatchSpec(place="/landing", pattern="orders/*.csv", poll_seconds=30),
        "landing.prices": WatchSpec(place="s3://bucket/lake/foreign/prices", pattern=None, poll_seconds=30),
    }


def test_an_external_that_starts_a_job_has_a_watcher() -> None:
    declared, settings = catalog.load_jobs(), LakeSettings(lake_root="/lake", landing_root=Path("/landing"))
    specs = translate(declared, uris(declared.graph, settings), data.name, watches(declared.graph, settings, 5))
    (asset,) = render(specs[0]).timetable.asset_condition.objects
    assert isinstance(asset, Asset)
    (watcher,) = asset.watchers
    assert (watcher.name, watcher.trigger.poll_seconds) == ("landing.iris", 5)


def test_a_pause_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_WATCH_SECONDS", "0")
    with pytest.raises(BadSetting, match="LAKELINE_WATCH_SECONDS is '0'"):
        WatchSettings.from_env()
