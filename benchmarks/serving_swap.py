"""A hot swap under load: the alias moves back and forth while 32 clients ask."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import serving_load, serving_peers
from benchmarks.claim import Claim
from benchmarks.serving_load import Load
from benchmarks.serving_model import NAME, Store
from benchmarks.serving_peers import Peer
from benchmarks.serving_process import started
from registry.door import opened

_CONNECTIONS, _SECONDS = 32, 8
_EVERY_SECONDS = 1.5
_WORST_MILLISECONDS = 50.0
_SERVED_SECONDS = 60.0


def claims(folder: Path, store: Store) -> Iterator[Claim]:
    """Both versions are on the server's disk before; what a version costs that is not is told as a part."""
    peer = serving_peers.lakeline(folder, store, "lakeline", {"LAKELINE_SERVE_POLL_SECONDS": "0.5"})
    alias = Alias(store)
    with started(peer.command):
        for version in (2, 1):
            alias.move(version)
            wait_for(peer, version)
        serving_load.attack(peer.asked, connections=_CONNECTIONS, seconds=2)
        quiet = serving_load.attack(peer.asked, connections=_CONNECTIONS, seconds=_SECONDS)
        swapped, swaps = _while_moving(peer, alias)
        fetched = _while_fetching(peer, alias)
    alias.move(1)
    parts = {
        "swaps": float(swaps),
        "quiet-ms": quiet.worst,
        "swapped-ms": swapped.worst,
        "fetched-ms": fetched.worst,
        "quiet-per-second": quiet.per_second,
        "swapped-per-second": swapped.per_second,
    }
    if not swaps:
        missing = f"the server did not follow the alias in {_SECONDS} seconds under load"
        yield Claim(name="serve-swap-worst", measured=0, target=_WORST_MILLISECONDS, unit="ms", missing=missing)
        return
    yield Claim(name="serve-swap-failed", measured=swapped.failed + fetched.failed, target=0, unit="", parts=parts)
    worse = swapped.worst - quiet.worst
    yield Claim(name="serve-swap-worst", measured=worse, target=_WORST_MILLISECONDS, unit="ms", parts=parts)


class Alias:
    """The alias `production`, moved in MLflow itself, as by its own pages."""

    def __init__(self, store: Store) -> None:
        self._client = opened(store.models.settings)

    def move(self, version: int) -> None:
        """Lets it name another version."""
        self._client.set_registered_model_alias(NAME, "production", str(version))


def served(peer: Peer) -> int:
    """The version that a server says it serves."""
    with urllib.request.urlopen(peer.command.ready, timeout=30) as answer:
        return int(json.loads(answer.read())["version"])


def wait_for(peer: Peer, version: int) -> None:
    """Returns as soon as a version is served; ends the benchmark where it does not come."""
    deadline = time.monotonic() + _SERVED_SECONDS
    while served(peer) != version:
        if time.monotonic() > deadline:
            sys.exit(f"error: {peer.name} serves version {served(peer)} still; wanted {version}")
        time.sleep(0.05)


def _while_moving(peer: Peer, alias: Alias) -> tuple[Load, int]:
    """The load, and how often the server was seen to serve another version than before."""
    began = serving_load.begin(peer.asked, connections=_CONNECTIONS, seconds=_SECONDS)
    before, swaps, wanted = served(peer), 0, 1
    until = time.monotonic() + _SECONDS - _EVERY_SECONDS
    while time.monotonic() < until:
        wanted = 3 - wanted
        alias.move(wanted)
        time.sleep(_EVERY_SECONDS)
        now = served(peer)
        swaps += now != before
        before = now
    return serving_load.ended(began), swaps


def _while_fetching(peer: Peer, alias: Alias) -> Load:
    """The load while a version comes that was never here."""
    began = serving_load.begin(peer.asked, connections=_CONNECTIONS, seconds=_SECONDS)
    alias.move(3)
    load = serving_load.ended(began)
    wait_for(peer, 3)
    return load
