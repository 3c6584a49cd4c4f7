import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import xgboost

from api.errors import FetchFailed
from api.follow import Follower
from api.served import Target
from api.serving import Serving
from api.shelf import Shelf
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

    def production(self) -> Target | None:
        if self.is_down:
            raise StoreUnreachable("the registry", "connection refused")
        return self.named

    def fetch(self, target: Target, folder: Path) -> None:
        if self.is_down:
            raise FetchFailed("iris", target.version, "connection refused")
        self.fetched.append(target.version)
        body = models.card(target.version, run_id=target.run_id)
        models.place(folder, self.iris, body | ({"model_file": "absent"} if target.version in self.broken else {}))


@pytest.fixture
def registry(iris: xgboost.Booster) -> Registry:
    return Registry(iris)


def follower(registry: Registry, serving: Serving, home: Path, **more: Callable[[], object]) -> Follower:
    return Follower(
        serving,
        Shelf(home),
        followed="iris@production",
        production=registry.production,
        fetch=registry.fetch,
        poll_seconds=2.0,
        **more,
    )


def version_of(serving: Serving) -> int | None:
    return None if serving.predictor is None else serving.predictor.card.version


def test_follows_the_alias_and_a_rollback_fetches_nothing(registry: Registry, tmp_path: Path) -> None:
    serving = Serving()
    following = follower(registry, serving, tmp_path)
    for version in (1, 2, 1):
        registry.name(version)
        following.poll()
        assert version_of(serving) == version
    assert registry.fetched == [1, 2]


def test_says_that_no_version_has_the_alias(registry: Registry, tmp_path: Path) -> None:
    serving = Serving()
    follower(registry, serving, tmp_path).poll()
    assert serving.readiness() == (False, {"ready": False, "reason": "no version is iris@production"})


def test_a_removed_alias_leaves_the_last_model_and_a_line_in_the_log(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serving = Serving()
    following = follower(registry, serving, tmp_path)
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
    first = Serving()
    following = follower(registry, first, tmp_path)
    registry.name(1)
    following.poll()
    registry.is_down = True
    following.poll()
    assert version_of(first) == 1

    second = Serving()
    restarted = follower(registry, second, tmp_path)
    restarted.restore()
    restarted.poll()
    is_ready, told = second.readiness()
    assert (is_ready, told["version"]) == (True, 1)
    assert "connection refused" in str(told["registry"])

    registry.is_down = False
    restarted.poll()
    assert second.readiness()[1]["registry"] == "answers"


def test_waits_longer_while_the_registry_is_down(registry: Registry, tmp_path: Path) -> None:
    following = follower(registry, Serving(), tmp_path)
    registry.is_down = True
    waits = [following.poll() for _ in range(12)]
    assert 3.2 <= waits[0] <= 4.8
    assert 12 <= waits[-1] <= 18
    registry.is_down = False
    assert following.poll() <= 2.4


def test_a_broken_model_is_never_swapped_in_and_the_reason_is_told(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serving = Serving()
    following = follower(registry, serving, tmp_path)
    registry.name(1)
    following.poll()
    registry.broken.add(2)
    registry.name(2)
    for _ in range(3):
        following.poll()
    is_ready, told = serving.readiness()
    assert (is_ready, told["version"]) == (True, 1)
    assert told["refused"] == {
        "version": 2,
        "reason": serving.following.refused.reason if serving.following.refused else "",
    }
    assert "cannot be loaded" in json.dumps(told)
    assert registry.fetched == [1, 2]
    assert caplog.text.count("version 2 of iris@production is not served") == 1

    registry.name(1)
    following.poll()
    assert "refused" not in serving.readiness()[1]


def test_a_broken_first_model_leaves_the_server_not_ready(registry: Registry, tmp_path: Path) -> None:
    serving = Serving()
    registry.broken.add(1)
    registry.name(1)
    follower(registry, serving, tmp_path).poll()
    is_ready, told = serving.readiness()
    assert not is_ready
    assert "cannot be loaded" in str(told["reason"])
    assert Shelf(tmp_path).current() is None


def test_a_version_of_a_registry_made_anew_is_not_taken_for_the_old_one(registry: Registry, tmp_path: Path) -> None:
    serving = Serving()
    following = follower(registry, serving, tmp_path)
    registry.name(1)
    following.poll()
    registry.named = Target(version=1, run_id="another")
    following.poll()
    assert serving.predictor is not None
    assert serving.predictor.card.run_id == "another"


def test_a_broken_cache_is_no_reason_to_fail(registry: Registry, tmp_path: Path) -> None:
    registry.name(1)
    follower(registry, Serving(), tmp_path).poll()
    (tmp_path / "1" / "model.ubj").write_bytes(b"")
    serving = Serving()
    restarted = follower(registry, serving, tmp_path)
    restarted.restore()
    assert serving.predictor is None
    restarted.poll()
    assert version_of(serving) == 1
    assert registry.fetched == [1, 1]


def test_only_the_last_few_versions_are_kept(registry: Registry, tmp_path: Path) -> None:
    following = follower(registry, Serving(), tmp_path)
    for version in range(1, 9):
        registry.name(version)
        following.poll()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["4", "5", "6", "7", "8", "current"]


def test_on_poll_is_called_and_its_failure_stops_nothing(registry: Registry, tmp_path: Path) -> None:
    calls: list[int] = []

    def on_poll() -> None:
        calls.append(1)
        raise StoreUnreachable("the journal", "read only")

    serving = Serving()
    following = follower(registry, serving, tmp_path, on_poll=on_poll)
    registry.name(1)
    following.poll()
    following.poll()
    assert (len(calls), version_of(serving)) == (2, 1)


def test_the_thread_survives_a_defect(registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    serving = Serving()
    failures = [RuntimeError("a defect"), None]

    def production() -> Target | None:
        failure = failures.pop(0) if failures else None
        if failure:
            raise failure
        return Target(version=1, run_id="run1")

    following = Follower(
        serving, Shelf(tmp_path), followed="iris@x", production=production, fetch=registry.fetch, poll_seconds=0.05
    )
    with caplog.at_level(logging.ERROR):
        following.start()
        deadline = time.monotonic() + 20
        while serving.predictor is None and time.monotonic() < deadline:
            time.sleep(0.02)
        following.stop()
    assert version_of(serving) == 1
    assert "a defect" in caplog.text
