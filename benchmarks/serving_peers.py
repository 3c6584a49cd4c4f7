"""The servers that are compared: MLflow's and Seldon's from an environment of their own, and ours."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.local.ports import free_port
from benchmarks.serving_load import Asked
from benchmarks.serving_model import FEATURES, FLOWERS, NAME, Store
from benchmarks.serving_process import STATE, Command
from benchmarks.timing import LAKELINE

PINS = Path(__file__).parent / "peers" / "requirements.txt"
_VENV = STATE / "peers"
_BATCH_SIZE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server, what a request for one row looks like, and where its answer has the class."""

    command: Command
    url: str
    body: Callable[[Sequence[float]], object]
    read: Callable[[object], int]

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def asked(self) -> Asked:
        """The request that load is made of."""
        return Asked(url=self.url, body=json.dumps(self.body(FLOWERS[0][0])))

    def check(self) -> None:
        """Ends the benchmark where the server says something else than the model does."""
        for flower, wanted in FLOWERS:
            request = urllib.request.Request(
                self.url, json.dumps(self.body(flower)).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
            found = self.read(json.loads(text))
            if found != wanted:
                sys.exit(f"error: {self.name} answers {text!r}, which is class {found}; wanted {wanted} for {flower}")


def versions() -> Mapping[str, str]:
    """What is installed of the peers, from their environment."""
    names = ("mlflow", "mlserver", "xgboost", "fastapi", "uvicorn")
    code = f"import json, importlib.metadata as m; print(json.dumps({{n: m.version(n) for n in {names!r}}}))"
    told = subprocess.run([_bin("python"), "-c", code], capture_output=True, text=True, check=True).stdout
    return dict(json.loads(told))


def set_up() -> None:
    """Makes the environment of the peers, where it does not hold what is pinned."""
    ready = _VENV / "pins"
    if ready.exists() and ready.read_text() == PINS.read_text():
        return
    uv = shutil.which("uv") or str(next((STATE / "uv").glob("**/bin/uv"), "uv"))
    print("making the peers' environment (about 1 GB, once) ...", file=sys.stderr, flush=True)
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, _VENV], check=True)
    sync = [uv, "pip", "sync", "--quiet", "--python", _bin("python"), "--require-hashes", str(PINS)]
    subprocess.run(sync, check=True)
    ready.write_text(PINS.read_text())


def mlflow_serve(folder: Path, store: Store) -> Peer:
    """`mlflow models serve` with one worker."""
    port = free_port()
    where = ("--model-uri", f"models:/{NAME}/1", "--host", "127.0.0.1", "--port", str(port))
    command = Command(
        name="mlflow",
        words=(_bin("mlflow"), "models", "serve", *where, "--workers", "1", "--env-manager", "local"),
        environment={**store.environment, "PATH": f"{_VENV / 'bin'}:/usr/bin:/bin"},
        folder=folder,
        ready=f"http://127.0.0.1:{port}/ping",
    )
    return Peer(
        command=command,
        url=f"http://127.0.0.1:{port}/invocations",
        body=lambda row: {"dataframe_split": {"columns": list(FEATURES), "data": [list(row)]}},
        read=lambda told: int(told["predictions"][0]),  # type: ignore[index]
    )


def mlserver(folder: Path, store: Store, *, batch_milliseconds: int = 0, workers: int = 0) -> Peer:
    """MLServer with its own runtime for XGBoost; without workers it predicts where it listens."""
    shape = f"-batch-{batch_milliseconds}ms" if batch_milliseconds else ""
    name = f"mlserver{shape}{'-worker' if workers else ''}"
    place = folder / name
    place.mkdir(parents=True)
    shutil.copy(store.model_file, place / "model.ubj")
    port, others = free_port(), {"grpc_port": free_port(), "metrics_port": free_port()}
    settings = {"host": "127.0.0.1", "http_port": port, "parallel_workers": workers, "debug": False, **others}
    (place / "settings.json").write_text(json.dumps(settings))
    batching = {"max_batch_size": _BATCH_SIZE, "max_batch_time": batch_milliseconds / 1000}
    model = {"name": NAME, "implementation": "mlserver_xgboost.XGBoostModel", "parameters": {"uri": "./model.ubj"}}
    (place / "model-settings.json").write_text(json.dumps({**model, **(batching if batch_milliseconds else {})}))
    command = Command(
        name=name,
        words=(_bin("mlserver"), "start", str(place)),
        environment={"OMP_NUM_THREADS": "1"},
        folder=place,
        ready=f"http://127.0.0.1:{port}/v2/models/{NAME}/ready",
    )
    return Peer(
        command=command,
        url=f"http://127.0.0.1:{port}/v2/models/{NAME}/infer",
        body=lambda row: {"inputs": [{"name": "rows", "shape": [1, len(row)], "datatype": "FP32", "data": list(row)}]},
        read=lambda told: _class_of(told["outputs"][0]["data"]),  # type: ignore[index]
    )


def lakeline(
    folder: Path,
    store: Store,
    name: str,
    environment: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
) -> Peer:
    """`lakeline serve` with one worker and a cache of its own, following the alias `production`."""
    port = free_port()
    workers = () if "--workers" in words else ("--workers", "1")
    command = Command(
        name=name,
        words=(LAKELINE, "serve", "--port", str(port), "--model", NAME, *workers, *words),
        environment={
            **store.environment,
            "LAKELINE_HOME": str(folder / name / ".lakeline"),
            "LAKELINE_SERVE_DRAIN_SECONDS": "0",
            "LAKELINE_LOG_PREDICTIONS": "off",
            **(environment or {}),
        },
        folder=folder / name,
        ready=f"http://127.0.0.1:{port}/readyz",
    )
    return Peer(
        command=command,
        url=f"http://127.0.0.1:{port}/predict",
        body=lambda row: dict(zip(FEATURES, row, strict=True)),
        read=lambda told: int(told["prediction"]),  # type: ignore[index]
    )


def _class_of(told: Sequence[float]) -> int:
    return int(told[0]) if len(told) == 1 else max(range(len(told)), key=told.__getitem__)


def _bin(program: str) -> str:
    return str(_VENV / "bin" / program)
