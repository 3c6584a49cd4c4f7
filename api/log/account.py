"""What the flusher has done, in a file beside the spool, so that every worker can tell it."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from api.log.backlog import depth
from api.log.settings import LogSettings
from api.whole import write_whole
from observability.spool import SpoolNow

_FILE = "flushed.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Counted since the folder was made; a flusher that is killed may leave its last commit uncounted."""

    flushes: int = 0
    rows: int = 0
    failures: int = 0


def read_account(folder: Path) -> Account:
    """What was done so far; nothing, where no file tells it."""
    try:
        told = json.loads((folder / _FILE).read_bytes())
        return Account(**{name: int(told[name]) for name in ("flushes", "rows", "failures")})
    except (OSError, ValueError, KeyError, TypeError):
        return Account()


def write_account(folder: Path, account: Account) -> None:
    """Tells it, where the disk takes it; no commit waits for what is only counted."""
    with suppress(OSError):
        write_whole(folder / _FILE, json.dumps(asdict(account)))


def spool_now(settings: LogSettings) -> SpoolNow:
    """How the spool of this machine is."""
    waiting, account = depth(settings.folder), read_account(settings.folder)
    return SpoolNow(
        bytes=waiting.bytes,
        limit_bytes=settings.spool_bytes,
        segments=waiting.segments,
        set_aside=waiting.set_aside,
        oldest_seconds=waiting.oldest_seconds,
        flushes=account.flushes,
        flushed_rows=account.rows,
        flush_failures=account.failures,
    )
