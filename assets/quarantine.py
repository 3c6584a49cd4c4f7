"""The quarantine: rows that failed a check, kept beside their table until they are mended.

Of a table that is replaced it holds what the newest run kept back, and of any other table what every run did. Rows that were
mended and released are kept as repairs: where a table is computed anew and the same wrong row comes again, they take its place.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assets.asset import TableAsset
from assets.errors import ChecksFailed
from lakehouse.audit import FAILED_CHECKS, OURS, ROW_ID, Audit, Pinned
from lakehouse.engine import Engine, Publication
from lakehouse.errors import CommitTaken
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE, RELEASED, Lake
from lakehouse.stamp import Stamp

if TYPE_CHECKING:
    import pyarrow as pa

_TRIES = 20

ADDED = (FAILED_CHECKS, ROW_ID, "run", "sequence")
"""The columns that the quarantine adds to those of the table."""


def key_of(key: str) -> str:
    """The table of the rows kept back from a table."""
    return f"{QUARANTINE}.{key}"


def kept_back(lake: Lake, key: str) -> "pa.Table":
    """The rows of an asset that are kept back now."""
    import pyarrow as pa

    commits = lake.history(key_of(key))
    return lake.read_arrow(key_of(key), commits[-1].version) if commits else pa.table({})


def repairs_key(key: str) -> str:
    """The table of the rows that were released to a table."""
    return f"{RELEASED}.{key}"


def repairs_of(lake: Lake, asset: TableAsset) -> Pinned | None:
    """What takes the place of wrong rows that come again; an append reads each row once, so that none does."""
    if asset.write == "append" or not any(check.otherwise == "quarantine" for check in asset.checks):
        return None
    commits = lake.history(repairs_key(asset.key))
    if not commits or commits[-1].rows == 0:
        return None
    return Pinned(location=lake.location(repairs_key(asset.key)), version=commits[-1].version)


def refuse_its_names(asset: TableAsset, columns: tuple[str, ...]) -> None:
    """A column of the table's own must not be taken for one that the quarantine adds, or the audit."""
    if asset.checks and (ours := [name for name in columns if name.lower().startswith(OURS)]):
        raise ChecksFailed(asset.key, (f"column {ours[0]!r} begins like those that the audit adds; rename it",))
    taken = [name for name in columns if name.lower() in ADDED]
    if taken and any(check.otherwise == "quarantine" for check in asset.checks):
        told = f"column {taken[0]!r} has the name of one that the quarantine adds ({', '.join(ADDED)}); rename it"
        raise ChecksFailed(asset.key, (told,))


def keep_back(lake: Lake, engine: Engine, asset: TableAsset, stamp: Stamp, audit: Audit | None) -> None:
    """Puts the rejected rows into the quarantine; a retry of the same sequence puts its own, or none, in their place.

    Each commit is numbered after the version that it was decided upon, so that of runs at once all but one decide again. A
    table that is replaced without an audit holds all of its rows, so that none are kept back any more.
    """
    key = key_of(asset.key)
    told = {"engine": engine.name}
    kept = Stamp(asset=key, code=stamp.code, inputs=stamp.inputs, run=stamp.run, sequence=stamp.sequence, extra=told)
    for _ in range(_TRIES):
        history = lake.history(key)
        where = _place(lake, asset, kept, history, audit)
        if where is None:
            return
        if audit is None:
            rows = engine.from_arrow(kept_back(lake, asset.key).slice(0, 0))
        else:
            rows = engine.with_columns(audit.rejected, {"run": stamp.run, "sequence": stamp.sequence})
        publication = Publication(
            location=lake.location(key),
            write="replace",
            replace_where=where or None,
            evolve=bool(where),
            metadata=kept.encode(),
            application=key,
            sequence=history[-1].version + 2 if history else 1,
        )
        try:
            engine.publish(rows, publication)
        except CommitTaken:
            continue
        if any(c.stamp and (c.stamp.run, c.stamp.sequence) == (kept.run, kept.sequence) for c in lake.history(key)):
            return
    raise CommitTaken(key, stamp.sequence)


def _place(lake: Lake, asset: TableAsset, kept: Stamp, history: Sequence[Commit], audit: Audit | None) -> str | None:
    """Which rows of the quarantine make way, "" for all; None where nothing is to be done."""
    rejected = audit.rejected_rows if audit else 0
    if asset.write == "replace":
        return "" if rejected or (history and history[-1].rows != 0) else None
    tries = _earlier_tries(history, lake.history(asset.key), kept)
    if audit is None or (not rejected and not tries):
        return None
    runs = ", ".join(f"'{run}'" for run in sorted({*tries, kept.run}))
    return f"sequence = {kept.sequence} AND run IN ({runs})"


def _earlier_tries(history: Sequence[Commit], published: Sequence[Commit], kept: Stamp) -> set[str]:
    """The runs that kept rows back for this sequence and published nothing, or the same.

    A table that was made again counts from 1 again. What was kept back from the one before it is not touched: it is older
    than the last commit, or there are higher sequences beside it.
    """
    told = [(commit.at, commit.stamp) for commit in history if commit.stamp]
    since = published[-1].at if published else datetime.min.replace(tzinfo=UTC)
    is_made_again = not published and any(stamp.sequence > kept.sequence for _, stamp in told)
    return {
        stamp.run
        for at, stamp in told
        if stamp.sequence == kept.sequence
        if stamp.fingerprint == kept.fingerprint or (at > since and not is_made_again)
    }
