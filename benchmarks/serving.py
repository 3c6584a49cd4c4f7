"""Serving against `mlflow models serve` and MLServer: one model, one client, one core for the server, in turns."""

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import serving_batch, serving_load, serving_model, serving_peers, serving_process, serving_swap
from benchmarks.claim import Claim
from benchmarks.serving_load import Load
from benchmarks.serving_model import Store
from benchmarks.serving_peers import Peer
from benchmarks.serving_process import Started, started
from benchmarks.serving_table import Row, Table

README = Path(__file__).parent / "README.md"
OURS, UNBATCHED, LOGGED = "lakeline", "lakeline-unbatched", "lakeline-logged"
_ALL_ON = ("--canary", "10%", "--log-sync", "second")
_ROUNDS = 3
_ALONE_SECONDS, _MANY_SECONDS, _WARM_SECONDS = 3, 5, 2
_MANY = 32
_UNBATCHED_TIMES, _BATCHED_TIMES, _MLSERVER_TIMES, _P50_TIMES = 7.0, 15.0, 2.5, 6.0
_LOST_PERCENT, _MEGABYTES, _READY_SECONDS = 15.0, 200.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What each round found of one server: alone with a client, and with many at once.

    `milliseconds` of the processor for each request of the many tell what a core could answer, however busy the machine is.
    """

    alone: Sequence[Load]
    many: Sequence[Load]
    milliseconds: Sequence[float]
    worker_megabytes: float
    all_megabytes: float


def claims(folder: Path) -> Iterator[Claim]:
    """Measures all servers, and leaves the result as `benchmarks/README.md`."""
    serving_load.built()
    serving_peers.set_up()
    serving_process.leave_the_servers_core()
    at, busy = datetime.now(UTC), os.getloadavg()[0]
    store = serving_model.made(folder / "store")
    found = _rounds(_peers(folder / "servers", store))
    table = Table(
        at=at,
        busy=busy,
        versions={**serving_peers.versions(), "bombardier": serving_load.VERSION},
        rounds=_ROUNDS,
        rows=tuple(_row(name, measured, found["mlflow"]) for name, measured in found.items()),
    )
    print(table.text(), flush=True)
    told = []
    for claim in _all(folder, store, found):
        told.append(claim)
        yield claim
    README.write_text(table.page(told))


def _all(folder: Path, store: Store, found: Mapping[str, Measured]) -> Iterator[Claim]:
    yield from _against(found)
    yield _memory(found[OURS])
    yield _logged(found)
    yield _ready(folder / "ready", store)
    yield from serving_swap.claims(folder / "swap", store)
    yield serving_batch.claim(folder / "batch", store)


def _peers(folder: Path, store: Store) -> Sequence[Peer]:
    """The servers; what is counted for `/metrics` is on for all of ours, the log and a canary for one of them."""
    return [
        serving_peers.mlflow_serve(folder, store),
        serving_peers.mlserver(folder, store),
        serving_peers.mlserver(folder, store, batch_milliseconds=1),
        serving_peers.mlserver(folder, store, batch_milliseconds=10),
        serving_peers.mlserver(folder, store, batch_milliseconds=10, workers=1),
        serving_peers.lakeline(folder, store, OURS),
        serving_peers.lakeline(folder, store, UNBATCHED, {"LAKELINE_SERVE_BATCH": "off"}),
        serving_peers.lakeline(folder, store, LOGGED, {"LAKELINE_LOG_PREDICTIONS": "on"}, words=_ALL_ON),
    ]


def _rounds(peers: Sequence[Peer]) -> Mapping[str, Measured]:
    """All servers run, and one at a time is asked, so that a busy machine is busy for all of them."""
    with ExitStack() as stack:
        running = {peer.name: stack.enter_context(started(peer.command)) for peer in peers}
        before = {name: serving_process.processor_seconds(server) for name, server in running.items()}
        for peer in peers:
            peer.check()
            serving_load.attack(peer.asked, connections=_MANY, seconds=_WARM_SECONDS)
        rounds = [(peer.name, _round(peer, running[peer.name])) for _ in range(_ROUNDS) for peer in peers]
        return {
            name: _measured([found for of, found in rounds if of == name], server, before[name])
            for name, server in running.items()
        }


def _round(peer: Peer, server: Started) -> tuple[Load, Load, float]:
    alone = serving_load.attack(peer.asked, connections=1, seconds=_ALONE_SECONDS)
    before = sum(serving_process.processor_seconds(server).values())
    many = serving_load.attack(peer.asked, connections=_MANY, seconds=_MANY_SECONDS)
    used = sum(serving_process.processor_seconds(server).values()) - before
    return alone, many, 1000 * used / max(many.answered, 1)


def _measured(rounds: Sequence[tuple[Load, Load, float]], server: Started, before: Mapping[int, float]) -> Measured:
    return Measured(
        alone=[alone for alone, _, _ in rounds],
        many=[many for _, many, _ in rounds],
        milliseconds=[used for _, _, used in rounds],
        worker_megabytes=serving_process.resident_megabytes(serving_process.worker_of(server, before)),
        all_megabytes=sum(map(serving_process.resident_megabytes, server.processes())),
    )


def _against(found: Mapping[str, Measured]) -> Iterator[Claim]:
    mlflow = found["mlflow"]
    yield _times("serve-unbatched", found[UNBATCHED], mlflow, _UNBATCHED_TIMES)
    yield _times("serve-batched", found[OURS], mlflow, _BATCHED_TIMES)
    batching = [measured for name, measured in found.items() if name.startswith("mlserver-batch")]
    # Which way of batching suits it best is not ours to say: its best one of this run counts.
    best = max(batching, key=lambda measured: _median_rate(measured.many))
    yield _times("serve-mlserver", found[OURS], best, _MLSERVER_TIMES)
    shorter = [theirs.p50 / ours.p50 for ours, theirs in zip(found[OURS].alone, mlflow.alone, strict=True)]
    parts = {"ours-ms": _median_p50(found[OURS].alone), "mlflow-ms": _median_p50(mlflow.alone)}
    yield Claim(
        name="serve-p50-c1",
        measured=statistics.median(shorter),
        target=_P50_TIMES,
        unit="x",
        more_is_better=True,
        parts=parts,
    )


def _times(name: str, ours: Measured, theirs: Measured, target: float) -> Claim:
    """How many times as many requests, as the median over the rounds."""
    ratios = _ratios(ours, theirs)
    parts = {
        "ours": _median_rate(ours.many),
        "theirs": _median_rate(theirs.many),
        "worst-round": min(ratios),
        "best-round": max(ratios),
        "by-processor-time": statistics.median(theirs.milliseconds) / statistics.median(ours.milliseconds),
    }
    return Claim(
        name=name, measured=statistics.median(ratios), target=target, unit="x", more_is_better=True, parts=parts
    )


def _logged(found: Mapping[str, Measured]) -> Claim:
    """What the log and a canary take of the requests; what is counted for `/metrics` is on for both."""
    lost = 100 * (1 - statistics.median(_ratios(found[LOGGED], found[OURS])))
    parts = {"on": _median_rate(found[LOGGED].many), "off": _median_rate(found[OURS].many)}
    return Claim(name="serve-logged", measured=lost, target=_LOST_PERCENT, unit="%", parts=parts)


def _memory(ours: Measured) -> Claim:
    parts = {"all-processes": ours.all_megabytes}
    return Claim(name="serve-memory", measured=ours.worker_megabytes, target=_MEGABYTES, unit="MiB", parts=parts)


def _ready(folder: Path, store: Store) -> Claim:
    """From the start of the program to the first answer that it is ready, with the model kept from a run before."""
    seconds = []
    for _ in range(4):
        with started(serving_peers.lakeline(folder, store, "lakeline").command) as server:
            seconds.append(server.seconds)
    parts = {"first-with-a-fetch": seconds[0]}
    return Claim(
        name="serve-ready", measured=statistics.median(seconds[1:]), target=_READY_SECONDS, unit="s", parts=parts
    )


def _row(name: str, measured: Measured, mlflow: Measured) -> Row:
    return Row(
        name=name,
        alone=_middle(measured.alone),
        many=_middle(measured.many),
        ratio=statistics.median(_ratios(measured, mlflow)),
        milliseconds=statistics.median(measured.milliseconds),
        worker_megabytes=measured.worker_megabytes,
        failed=sum(load.failed for load in (*measured.alone, *measured.many)),
    )


def _middle(loads: Sequence[Load]) -> Load:
    """The round whose rate is the median."""
    return sorted(loads, key=lambda load: load.per_second)[len(loads) // 2]


def _ratios(ours: Measured, theirs: Measured) -> list[float]:
    return [mine.per_second / other.per_second for mine, other in zip(ours.many, theirs.many, strict=True)]


def _median_rate(loads: Sequence[Load]) -> float:
    return statistics.median(load.per_second for load in loads)


def _median_p50(loads: Sequence[Load]) -> float:
    return statistics.median(load.p50 for load in loads)
