"""A hundred thousand rows in one request: as an Arrow stream, against the same rows as JSON."""

import json
import statistics
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks import serving_peers
from benchmarks.claim import Claim
from benchmarks.serving_model import FEATURES, FLOWERS, Store
from benchmarks.serving_process import resident_megabytes, started

_PATH = "/predict/batch"
_ROWS = 100_000
_TIMES = 3
_TARGET = 20.0
_ARROW, _JSON = "application/vnd.apache.arrow.stream", "application/json"
_LIMIT_BYTES = str(1 << 28)


def claim(folder: Path, store: Store) -> Claim:
    """How many times as fast the same rows are answered as Arrow.

    What the model alone takes for the rows, which no form of them can change, is told as a part.
    """
    peer = serving_peers.lakeline(folder, store, "lakeline", {"LAKELINE_SERVE_ROWS_LIMIT": _LIMIT_BYTES})
    address = peer.url.removesuffix("/predict")
    with started(peer.command) as server:
        try:
            slow, fast = (_seconds(f"{address}{_PATH}", *body) for body in ((_json(), _JSON), (_arrow(), _ARROW)))
        except urllib.error.HTTPError as error:
            return _unmeasured(f"{_PATH} answers {error.code}: {error.read(300).decode(errors='replace')}")
        after = max(map(resident_megabytes, server.processes()))
    parts = {
        "json-seconds": slow,
        "arrow-seconds": fast,
        "model-seconds": _model_seconds(store),
        "worker-megabytes-after": after,
        "rows": float(_ROWS),
    }
    return Claim(name="serve-arrow", measured=slow / fast, target=_TARGET, unit="x", more_is_better=True, parts=parts)


def _unmeasured(missing: str) -> Claim:
    return Claim(name="serve-arrow", measured=0, target=_TARGET, unit="x", more_is_better=True, missing=missing)


def _seconds(url: str, body: bytes, kind: str) -> float:
    """The median time of a whole answer."""
    times = []
    for _ in range(_TIMES):
        began = time.monotonic()
        request = urllib.request.Request(url, body, {"Content-Type": kind, "Accept": kind})
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
        times.append(time.monotonic() - began)
    return statistics.median(times)


def _model_seconds(store: Store) -> float:
    """The median time of the model itself, in this process, with one thread as the server's."""
    import numpy as np
    import xgboost

    booster = xgboost.Booster(model_file=str(store.model_file))
    booster.set_param({"nthread": 1})
    matrix = np.array([list(row.values()) for row in _rows()], dtype=np.float32)
    times = []
    for _ in range(_TIMES):
        began = time.monotonic()
        booster.inplace_predict(matrix)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def _rows() -> list[dict[str, float]]:
    flowers = [dict(zip(FEATURES, flower, strict=True)) for flower, _ in FLOWERS]
    return [flowers[place % len(flowers)] for place in range(_ROWS)]


def _json() -> bytes:
    return json.dumps(_rows()).encode()


def _arrow() -> bytes:
    import pyarrow as pa

    table = pa.Table.from_pylist(_rows())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
