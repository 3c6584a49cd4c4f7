"""Minutes of serving while the alias moves, workers are killed and MLflow is started anew: what failed, and who answered."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from api.local.ports import free_port
from benchmarks import serving_model, serving_peers
from benchmarks.claim import Claim
from benchmarks.serving_model import NAME, VERSIONS, Store
from benchmarks.serving_process import Command, Started, processor_seconds, started, worker_of
from benchmarks.soak_client import Clients, Seen
from lakehouse.errors import PlatformError
from registry.settings import RegistrySettings
from registry.ui import ui_command

_CLIENTS, _WORKERS = 8, 2
_MOVE_SECONDS, _KILL_SECONDS = 20.0, 60.0
_LOG = "ops.prediction_log"
# What LAKELINE_LOG_SYNC promises by default: the last second before a kill may be lost, and nothing else.
_SYNC_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Told:
    """What was done to the server while it was asked."""

    moves: int = 0
    kills: int = 0
    restarts: int = 0
    refused: list[str] = field(default_factory=list)


def claims(folder: Path, minutes: float) -> Iterator[Claim]:
    """Ends with what failed, what the journal does not know, and what was logged twice or not at all."""
    mlflow = _Mlflow(folder)
    told = Told()
    with ExitStack() as stack:
        mlflow.start()
        stack.callback(mlflow.stop)
        store = serving_model.made(folder / "store", mlflow.address)
        words = ("--workers", str(_WORKERS))
        peer = serving_peers.lakeline(folder, store, "soaked", {"LAKELINE_LOG_PREDICTIONS": "on"}, words)
        with started(peer.command) as server:
            peer.check()
            clients = Clients(peer.url, _CLIENTS)
            clients.start()
            soaked = _Soaked(store, mlflow, server, clients, told)
            _trouble(minutes * 60, soaked)
            seen = clients.stop()
        yield from _found(store, seen, told, clients.killed_at)


class _Mlflow:
    """MLflow's server over the store, which can be ended and started anew at one address."""

    def __init__(self, folder: Path) -> None:
        home = folder / "mlflow"
        home.mkdir(parents=True, exist_ok=True)
        settings = RegistrySettings(lakeline_home=home, mlflow_tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
        command = ui_command(settings, free_port())
        self.address = command.address
        self._command = Command(
            name="mlflow-server",
            words=command.arguments,
            environment=command.environment,
            folder=home,
            ready=f"{command.address}/health",
        )
        self._running = ExitStack()

    def start(self) -> None:
        self._running.enter_context(started(self._command))

    def stop(self) -> None:
        self._running.close()


class _Soaked:
    """One server and what can be done to it; `step` does what is due."""

    def __init__(self, store: Store, mlflow: _Mlflow, server: Started, clients: Clients, told: Told) -> None:
        self._store, self._mlflow, self._server, self._clients, self.told = store, mlflow, server, clients, told
        self._before: Mapping[int, float] = processor_seconds(server)

    def move(self) -> None:
        """Moves the alias to the next version, with an entry in the journal."""
        version = 1 + (self.told.moves + 1) % VERSIONS
        try:
            self._store.models.promote(NAME, version, "production", by="soak", why="its turn")
        except PlatformError as error:
            self.told.refused.append(f"version {version}: {error}")
        self.told.moves += 1

    def kill(self) -> None:
        """Kills the worker that answered most, and never the process that started it."""
        worker = worker_of(self._server, self._before, is_below=True)
        self._clients.killed()
        os.kill(worker.pid, signal.SIGKILL)
        self.told.kills += 1
        self._before = processor_seconds(self._server)

    def restart(self) -> None:
        """Ends MLflow's server and starts it anew."""
        self._mlflow.stop()
        self._mlflow.start()
        self.told.restarts += 1


def _trouble(seconds: float, soaked: _Soaked) -> None:
    """Does what is due until the time is over: moves, kills between them, and two restarts at a third and two thirds."""
    began = time.monotonic()
    due = sorted(
        (
            *((at, soaked.move) for at in _times(seconds, _MOVE_SECONDS, _MOVE_SECONDS)),
            *((at, soaked.kill) for at in _times(seconds, _KILL_SECONDS, _KILL_SECONDS / 2)),
            *((seconds * share + _MOVE_SECONDS / 4, soaked.restart) for share in (1 / 3, 2 / 3)),
        ),
        key=lambda each: each[0],
    )
    for at, act in due:
        time.sleep(max(0.0, began + at - time.monotonic()))
        act()
        print(f"{time.monotonic() - began:.0f} s: {act.__name__}", file=sys.stderr, flush=True)
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def _times(seconds: float, every: float, first: float) -> Sequence[float]:
    return [first + every * place for place in range(int((seconds - first) // every) + 1) if first < seconds]


def _found(store: Store, seen: Sequence[Seen], told: Told, killed_at: Sequence[float]) -> Iterator[Claim]:
    moved = [
        (event.to_version, event.at)
        for event in store.models.events(NAME)
        if event.alias == "production" and event.event == "moved"
    ]
    failed = sum((each.failed for each in seen), Counter())
    for reason, count in failed.items():
        print(f"{count} requests failed: {reason}", file=sys.stderr)
    for reason in told.refused:
        print(f"a move was refused: {reason}", file=sys.stderr)
    parts = {
        "answered": float(sum(each.answered for each in seen)),
        "resets-of-killed-workers": float(sum(each.resets for each in seen)),
        "moves": float(told.moves),
        "moves-refused": float(len(told.refused)),
        "workers-killed": float(told.kills),
        "mlflow-restarts": float(told.restarts),
        "slowest-move-to-be-served-seconds": _slowest(moved, seen),
    }
    yield Claim(name="soak-failed", measured=failed.total(), target=0, unit="", parts=parts)
    unknown = sum(not _is_told(moved, span.version, span.first) for each in seen for span in each.spans)
    yield Claim(name="soak-versions-not-in-the-journal", measured=unknown, target=0, unit="")
    yield from _logged(store, seen, killed_at)


def _is_told(moved: Sequence[tuple[int | None, datetime]], version: int, first: datetime) -> bool:
    """Whether the journal had named the version before it answered."""
    return any(to == version and at <= first for to, at in moved)


def _slowest(moved: Sequence[tuple[int | None, datetime]], seen: Sequence[Seen]) -> float:
    """The longest time from a move in the journal to the first answer of the version; of moves that were answered at all."""
    waits = []
    asked_since = min((span.first for each in seen for span in each.spans), default=None)
    for place, (version, at) in enumerate(moved):
        if asked_since is None or at < asked_since:
            continue
        until = moved[place + 1][1] if place + 1 < len(moved) else datetime.max.replace(tzinfo=at.tzinfo)
        firsts = [
            span.first for each in seen for span in each.spans if span.version == version and at <= span.first < until
        ]
        if firsts:
            waits.append((min(firsts) - at).total_seconds())
            print(f"version {version} was served {waits[-1]:.1f} s after its move at {at:%H:%M:%S}", file=sys.stderr)
    return max(waits, default=0.0)


def _logged(store: Store, seen: Sequence[Seen], killed_at: Sequence[float]) -> Iterator[Claim]:
    """What the prediction log tells twice, and what it lacks although no worker was killed soon after its answer."""
    twice, lost, unit = "soak-logged-twice", "soak-not-logged", ""
    if _LOG not in store.lake.tables():
        missing = f"the server writes no {_LOG} yet"
        yield from (Claim(name=name, measured=0, target=0, unit=unit, missing=missing) for name in (twice, lost))
        return
    logged = Counter(store.lake.read_arrow(_LOG)["request_id"].to_pylist())
    answered = {request_id: at for each in seen for request_id, at in each.request_ids.items()}
    lacking = [at for request_id, at in answered.items() if request_id not in logged]
    # A client may read an answer a moment after the worker that gave it was killed.
    excused = [at for at in lacking if any(abs(killed - at) <= _SYNC_SECONDS for killed in killed_at)]
    for at in set(lacking) - set(excused):
        away = min((killed - at for killed in killed_at), key=abs, default=float("inf"))
        print(f"an answer is not logged that was given {away:.1f} s before the nearest kill", file=sys.stderr)
    parts = {"rows": float(logged.total()), "answered": float(len(answered))}
    yield Claim(name=twice, measured=logged.total() - len(logged), target=0, unit=unit, parts=parts)
    of_killed = {"answered-within-a-second-of-a-kill": float(len(excused))}
    yield Claim(name=lost, measured=len(lacking) - len(excused), target=0, unit=unit, parts=of_killed)
