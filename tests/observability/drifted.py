"""A model that serves, as its journal tells it, and a gateway that keeps what is pushed to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa

from lakehouse.lake import Lake
from lakehouse.stamp import InputVersion, Stamp
from lakehouse.table import Location
from registry.journal import Event, Journal

TABLE = "gold.iris_features"
MODEL = "iris_xgboost_classifier"


def flowers(*lengths: float | None) -> pa.Table:
    """Flowers that are measured by one length alone."""
    names = pa.array([f"f{place}" for place in range(len(lengths))], pa.string())
    return pa.table({"measurement_id": names, "sepal_length": pa.array(lengths, pa.float64())})


def grown(lake: Lake, *lengths: float | None, key: str = TABLE) -> int:
    """Adds flowers to the table; the version that holds them."""
    history = lake.history(key)
    return lake.append(key, flowers(*lengths), metadata="{}", after=history[-1].version if history else -1)


def serving(lake: Lake, *keys: str, version: int = 1, alias: str = "production", place: Location | None = None) -> None:
    """Journals a version of a model that was trained on the tables as they are, and gives it an alias."""
    newest, name = {key: lake.history(key, place)[-1] for key in keys or (TABLE,)}, MODEL
    read = {key: InputVersion(table=commit.table_id, version=commit.effective) for key, commit in newest.items()}
    stamp = Stamp(asset=f"models.{name}", code="c0de", inputs=read, run="trained", sequence=version)
    told = {"at": datetime.now(UTC), "model": name, "model_id": "m-1", "by": "ann", "why": "reviewed"}
    trained = Event(event="registered", version=version, alias="candidate", to_version=version, stamp=stamp, **told)  # type: ignore[arg-type]
    moved = Event(event="moved", alias=alias, to_version=version, **told)  # type: ignore[arg-type]
    for event in (trained, moved):
        Journal(lake).record(lambda told, event=event: event)  # type: ignore[misc]


@contextmanager
def gateway(answer: int = 200) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The address of a server that takes every push, and the paths and texts that came."""
    pushed: list[tuple[str, str]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            pushed.append((self.path, self.rfile.read(int(self.headers["content-length"])).decode()))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pushed
    finally:
        server.shutdown()
        server.server_close()
