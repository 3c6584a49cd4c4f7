"""How a long-running process writes its log."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

LogFormat = Literal["text", "json"]


class _Lines(logging.Formatter):
    """One line for a person: time in UTC, level, where from, what."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time_of(record)} {record.levelname:<7} {record.name}: {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonLines(logging.Formatter):
    """One JSON object a line, for a machine that gathers logs."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {"time": _time_of(record), "level": record.levelname.lower(), "logger": record.name}
        told["message"] = record.getMessage()
        told |= getattr(record, "told", {})
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def access_log(stream: TextIO | None = None) -> logging.Logger:
    """What writes one JSON object for each request, apart from the log, to `stream` (standard output).

    A record's `told` holds the fields. Called again, it replaces what it set before.
    """
    log = logging.getLogger("lakeline.access")
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_JsonLines())
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    return log


def start_log(level: str = "INFO", style: LogFormat = "text", stream: TextIO | None = None) -> None:
    """Sends this process' log to `stream` (standard error); called again, it replaces what it set before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines() if style == "json" else _Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
