"""Answers to be logged, and what the lake has of them."""

from datetime import UTC, datetime
from pathlib import Path

from api.log.record import Answered
from api.log.rows import KEY
from api.log.settings import LogSettings
from api.log.spool import Spool
from lakehouse.lake import Lake

NOON = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
PETALS = {"petal_length": 1.4, "petal_width": 0.2}


def answered(number: int = 0, **changes: object) -> Answered:
    told: dict[str, object] = {
        "request_id": f"r{number}",
        "at": NOON,
        "model": "iris_xgboost_classifier",
        "version": 3,
        "variant": "production",
        "features": PETALS,
        "prediction": 0,
        "probabilities": [0.9, 0.1],
        "latency_seconds": 0.001,
    }
    return Answered(**{**told, **changes})  # type: ignore[arg-type]


def spooled(settings: LogSettings, *rows: Answered) -> Spool:
    """A spool that has taken rows, and has handed them over."""
    spool = Spool(settings)
    for row in rows:
        spool.record(row)
    spool.stop()
    return spool


def logged(columns: str = "*") -> list[dict[str, object]]:
    """The rows of the log, by the number of the request; none where there is no table."""
    lake = Lake.from_env()
    if not lake.history(KEY):
        return []
    found = lake.query(f"SELECT {columns} FROM {KEY} ORDER BY CAST(substr(request_id, 2) AS INT), version")
    rows: list[dict[str, object]] = found.to_pylist()
    return rows


def numbers() -> list[int]:
    """The number of the request of each row that the lake has, in their order."""
    return [int(str(row["request_id"])[1:]) for row in logged("request_id, version")]


def files(settings: LogSettings) -> list[Path]:
    """What waits in the spool."""
    return sorted(path for path in settings.folder.iterdir() if path.suffix in {".open", ".closed", ".taken", ".aside"})
