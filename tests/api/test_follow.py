import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import xgboost

from api.errors import FetchFailed
from api.fetch import ChildFetch
from api.follow import Follower
from api.placed import Placed, read_placed
from api.seats import Seat
from api.served import Target
from api.serving import Serving
from api.shelf import Shelf
from api.watch import Watcher
from lakehouse.errors import StoreUnreachable
from tests.api import served_models as models


class Registry:
    """A registry in memory: which version the alias names, and what a fetch brings."""

    def __init__(self, iris: xgboost.Booster) -> None:
        self.iris = iris
        self.named: Target | None = None
        self.is_down = False
        self.broken: set[int] = set()
        self.fetched: list[int] = []

    def name(self, version: int | None) -> None:
        self.named = None if version is None else Target(version=version, run_id=f"run{version}")

    def named_now(self) -> Target | None:
        if self.is_down:
            raise StoreUnreachable("the registry", "connection refused")
        return self.named

    def fetch(self, target: Target, folder: Path, is_wanted: Callable[[], bool] = lambda: True) -> None:
        if self.is_down:
            raise FetchFailed("iris", target.version, "connection refused")
        self.fetched.append(target.version)
        body = models.card(target.version, run_id=target.run_id)
        models.place(folder, self.iris, body | ({"model_file": "absent"} if target.version in self.broken else {}))


@pytest.fixture
def registry(iris: xgboost.Booster) -> Registry:
    return Registry(iris)


class Line:
    """A resolver and a worker, each asked to look once and after the other."""

    def __init__(self, registry: Registry, home: Path, on_poll: Callable[[], object] | None = None) -> None:
        self.serving = Serving()
        self.shelf = Shelf(home)
        placed = home / "placed-production.json"
        self.follower = Follower(
            self.shelf,
            placed,
            followed="iris@production",
            named=registry.named_now,
            fetch=registry.fetch,
            poll_seconds=2.0,
            on_poll=on_poll,
        )
        self.watcher = Watcher(self.serving, self.shelf, {"production": ("production", placed)})

    def poll(self) -> float:
        wait_seconds = self.follower.poll()
        self.watcher.look()
        return wait_seconds

    def restore(self) -> None:
        self.watcher.restore()
        self.follower.restore()


def version_of(serving: Serving) -> int | None:
    return None if serving.predictor is None else serving.predictor.card.version


def test_follows_the_alias_and_a_rollback_fetches_nothing(registry: Registry, tmp_path: Path) -> None:
    following = Line(registry, tmp_path)
    serving = following.serving
    for version in (1, 2, 1):
        registry.name(version)
        following.poll()
        assert version_of(serving) == version
    assert registry.fetched == [1, 2]


def test_says_that_no_version_has_the_alias(registry: Registry, tmp_path: Path) -> None:
    following = Line(registry, tmp_path)
    following.poll()
    assert following.serving.readiness() == (False, {"ready": False, "reason": "no version is iris@production"})


def test_a_removed_alias_leaves_the_last_model_and_a_line_in_the_log(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    following = Line(registry, tmp_path)
    serving = following.serving
    registry.name(3)
    following.poll()
    registry.name(None)
    for _ in range(3):
        following.poll()
    is_ready, told = serving.readiness()
    assert (is_ready, told["version"], told["alias"]) == (True, 3, "no version is iris@production")
    assert caplog.text.count("no version is iris@production; version 3 goes on serving") == 1


def test_the_last_good_model_serves_while_the_registry_is_down_and_after_a_restart(
    registry: Registry, tmp_path: Path
) -> None:
    following = Line(registry, tmp_path)
    first = following.serving
    registry.name(1)
    following.poll()
    registry.is_down = True
    following.poll()
    assert version_of(first) == 1

    restarted = Line(registry, tmp_path)
    second = restarted.serving
    restarted.restore()
    assert version_of(second) == 1
    restarted.poll()
    is_ready, told = second.readiness()
    assert (is_ready, told["version"]) == (True, 1)
    assert "connection refused" in str(told["registry"])
    assert str(told["registry_since"]).endswith("Z")

    registry.is_down = False
    restarted.poll()
    assert second.readiness()[1]["registry"] == "answers"


def test_waits_longer_while_the_registry_is_down(registry: Registry, tmp_path: Path) -> None:
    following = Line(registry, tmp_path)
    registry.is_down = True
    waits = [following.poll() for _ in range(12)]
    # A move made as soon as it answers again is to be served within five seconds.
    assert all(2.4 <= wait <= 3.6 for wait in waits)
    registry.is_down = False
    assert following.poll() <= 2.4


def test_a_broken_model_is_never_swapped_in_and_the_reason_is_told(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    following = Line(registry, tmp_path)
    serving = following.serving
    registry.name(1)
    following.poll()
    registry.broken.add(2)
    registry.name(2)
    for _ in range(3):
        following.poll()
    is_ready, told = serving.readiness()
    assert (is_ready, told["version"]) == (True, 1)
    assert told["refused"] == {"version": 2, "reason": serving.refused["production"].reason}
    assert "cannot be loaded" in json.dumps(told)
    assert registry.fetched == [1, 2]
    assert caplog.text.count("version 2 of production is not served") == 1

    registry.name(1)
    following.poll()
    assert "refused" not in serving.readiness()[1]


def test_a_broken_first_model_leaves_the_server_not_ready(registry: Registry, tmp_path: Path) -> None:
    registry.broken.add(1)
    registry.name(1)
    following = Line(registry, tmp_path)
    following.poll()
    is_ready, told = following.serving.readiness()
    assert not is_ready
    assert "cannot be loaded" in str(told["reason"])
    assert Shelf(tmp_path).current("production") is None


def test_a_version_of_a_registry_made_anew_is_not_taken_for_the_old_one(registry: Registry, tmp_path: Path) -> None:
    following = Line(registry, tmp_path)
    serving = following.serving
    registry.name(1)
    following.poll()
    registry.named = Target(version=1, run_id="another")
    following.poll()
    assert serving.predictor is not None
    assert serving.predictor.card.run_id == "another"


def test_a_broken_cache_is_no_reason_to_fail(registry: Registry, tmp_path: Path) -> None:
    registry.name(1)
    Line(registry, tmp_path).poll()
    model = tmp_path / "1" / "model.ubj"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    restarted = Line(registry, tmp_path)
    restarted.restore()
    assert restarted.serving.predictor is None
    assert "is not what was fetched" in str(restarted.serving.readiness()[1]["reason"])
    restarted.poll()
    assert version_of(restarted.serving) == 1
    assert "refused" not in restarted.serving.readiness()[1]
    assert registry.fetched == [1, 1]


def test_after_a_restart_the_last_good_model_answers_where_the_newest_is_broken(
    registry: Registry, tmp_path: Path
) -> None:
    following = Line(registry, tmp_path)
    registry.broken.add(2)
    for version in (1, 2):
        registry.name(version)
        following.poll()
    registry.is_down = True
    restarted = Line(registry, tmp_path)
    restarted.restore()
    is_ready, told = restarted.serving.readiness()
    assert (is_ready, told["version"]) == (True, 1)
    assert "cannot be loaded" in str(told["refused"])


def test_only_the_last_few_versions_are_kept(registry: Registry, tmp_path: Path) -> None:
    following = Line(registry, tmp_path)
    for version in range(1, 9):
        registry.name(version)
        following.poll()
    kept = {"4", "5", "6", "7", "8", "current-production", "placed-production.json"}
    assert {entry.name for entry in tmp_path.iterdir()} == kept


def test_on_poll_is_called_and_its_failure_stops_nothing(registry: Registry, tmp_path: Path) -> None:
    calls: list[int] = []

    def on_poll() -> None:
        calls.append(1)
        raise StoreUnreachable("the journal", "read only")

    following = Line(registry, tmp_path, on_poll)
    registry.name(1)
    following.poll()
    following.poll()
    assert (len(calls), version_of(following.serving)) == (2, 1)


@pytest.mark.slow
def test_a_defect_ends_neither_the_follower_nor_the_watcher(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [RuntimeError("a defect")]

    def named() -> Target | None:
        if failures:
            raise failures.pop()
        return Target(version=1, run_id="run1")

    serving, shelf, placed = Serving(), Shelf(tmp_path), tmp_path / "placed-x.json"
    following = Follower(shelf, placed, followed="iris@x", named=named, fetch=registry.fetch, poll_seconds=0.05)
    told: list[Seat] = []

    def tell(seat: Seat) -> None:
        told.append(seat)
        if len(told) == 1:
            raise RuntimeError("another defect")

    watching = Watcher(serving, shelf, {"production": ("x", placed)}, tell=tell)
    thread = threading.Thread(target=following.run)
    with caplog.at_level(logging.ERROR):
        thread.start()
        watching.start()
        deadline = time.monotonic() + 60
        while serving.predictor is None and time.monotonic() < deadline:
            time.sleep(0.02)
        following.stop()
        watching.stop()
        thread.join()
    assert version_of(serving) == 1
    assert "a defect" in caplog.text
    assert "another defect" in caplog.text


def test_two_aliases_of_one_version_fetch_it_once(registry: Registry, tmp_path: Path) -> None:
    shelf, begun = Shelf(tmp_path), threading.Barrier(2)

    def bring() -> None:
        begun.wait()
        shelf.bring(Target(version=1, run_id="run1"), registry.fetch)

    threads = [threading.Thread(target=bring) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.fetched == [1]


@pytest.mark.slow
def test_a_fetch_that_takes_long_is_let_go_when_the_alias_moves_on(registry: Registry, tmp_path: Path) -> None:
    line = Line(registry, tmp_path)
    registry.name(1)
    line.poll()
    hangs = ChildFetch("iris", timeout_seconds=60, command=[sys.executable, "-c", "import time; time.sleep(60)"])
    placed = tmp_path / "placed-production.json"
    follower = Follower(
        line.shelf, placed, followed="iris@production", named=registry.named_now, fetch=hangs, poll_seconds=0.1
    )
    follower.restore()
    registry.name(2)
    back = threading.Timer(0.5, registry.name, [1])
    back.start()
    for _ in range(2):
        follower.poll()
    back.join()
    assert read_placed(placed) == Placed(target=registry.named, since=read_placed(placed).since)
    line.watcher.look()
    assert version_of(line.serving) == 1
