"""The plan of 10,000 assets, from words to steps: a wide graph of 100 layers, and a chain in which each reads the one before."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from assets import asset
from assets.asset import TableAsset
from assets.explain import explain, in_words
from assets.graph import Graph
from assets.plan import Observed, plan
from assets.select import select
from benchmarks.claim import Claim
from lakehouse.stamp import InputVersion, Stamp
from lakehouse.table import TableVersion

ASSETS = 10_000
_LAYERS = 100
_SECONDS = 0.5
_CODE = "0" * 32


def claims() -> Iterator[Claim]:
    """Measures the slower of the two graphs when the code of its first asset changed, and all that reads it is stale."""
    parts = {f"{shape}, {name}": seconds for shape, of in GRAPHS.items() for name, seconds in measured(of()).items()}
    slowest = max(seconds for name, seconds in parts.items() if name.endswith("and plan"))
    yield Claim(name="plan-10000-assets", measured=slowest, target=_SECONDS, unit="s", parts=parts)


def measured(declared: Sequence[TableAsset]) -> Mapping[str, float]:
    """The seconds of each step; the graph is there before it is chosen from, but nothing was asked of it yet."""
    graph = Graph.of(declared)
    observed = changed(graph)
    all_above = f"+{graph.order[-1]}"
    planned = plan(graph, graph.order, observed)
    return {
        "build the graph": _median(lambda: Graph.of(declared)),
        "choose * and plan": _median(lambda: plan(graph, select(replace(graph), "*"), observed)),
        "choose +x and plan": _median(lambda: plan(graph, select(replace(graph), all_above), observed)),
        "explain x": _median(lambda: in_words(explain(graph, planned, observed, graph.order[-1]))),
    }


def wide() -> tuple[TableAsset, ...]:
    """Layers of 100 assets, each of which reads three of the layer before."""
    width = ASSETS // _LAYERS
    return tuple(
        _table(
            f"layer{layer}.asset{layer}_{place}",
            *(f"layer{layer - 1}.asset{layer - 1}_{(place + step) % width}" for step in range(3 if layer else 0)),
        )
        for layer in range(_LAYERS)
        for place in range(width)
    )


def chain() -> tuple[TableAsset, ...]:
    """One asset after the other."""
    return tuple(
        _table(f"chain.asset{place}", *([f"chain.asset{place - 1}"] if place else [])) for place in range(ASSETS)
    )


def changed(graph: Graph) -> Observed:
    """All made once from what is there, and then the code of the first asset changed."""
    now = {key: TableVersion(table_id=key, version=1) for key in graph.order}
    code = dict.fromkeys(graph.order, _CODE)
    stamps = {
        key: Stamp(
            asset=key,
            code=_CODE,
            run="r",
            sequence=2,
            inputs={r.key: InputVersion(table=r.key, version=1) for r in read.values()},
        )
        for key, read in graph.inputs.items()
    }
    return Observed(
        now=now,
        stamps=stamps,
        published=dict.fromkeys(now, 1),
        sequences=dict.fromkeys(now, 2),
        code=code | {graph.order[0]: "1" * 32},
    )


GRAPHS: Mapping[str, Callable[[], Sequence[TableAsset]]] = {"wide": wide, "chain": chain}


def _table(key: str, *inputs: str) -> TableAsset:
    functions: Mapping[int, Callable[..., object]] = {0: lambda: None, 1: lambda a: a, 3: lambda a, b, c: (a, b, c)}
    return asset(key, inputs=dict(zip("abc", inputs, strict=False)))(functions[len(inputs)])


def _median(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the processor, which is all that a pure function takes."""

    def once() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return statistics.median(once() for _ in range(times))
