"""The quarantine: rows that failed a check, kept beside their table until they are mended.

Of a table that is replaced it holds what the newest run kept back, and of any other table what every run did; of a merge, a
wrong row that comes again is there once. Rows that were mended and released are kept as repairs: where a table is computed
anew and the same wrong row comes again, they take its place.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from assets.asset import TableAsset
from assets.errors import ChecksFailed
from lakehouse.audit import FAILED_CHECKS, OURS, ROW_ID, Audit, Pinned
from lakehouse.duck import quoted
from lakehouse.engine import Engine, Publication
from lakehouse.errors import CommitTaken, PlatformError
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE, RELEASED, Lake
from lakehouse.stamp import Stamp

if TYPE_CHECKING:
    import pyarrow as pa

_TRIES = 20
_OF = "of"
"""The word of the quarantine's stamps for the table that rows were kept back from, by its id; "" before there is one."""

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
    """Puts the rejected rows into the quarantine; those of a try of the same run before, or none, make way for them.

    What other runs put there stays, for one of them may be about to publish: `settle` tells once that is decided. A table
    that is replaced without an audit holds all of its rows, so that none are kept back any more.
    """

    def place(history: Sequence[Commit]) -> str | None:
        rejected = audit.rejected_rows if audit else 0
        if asset.write == "replace":
            return "" if rejected or (history and history[-1].rows != 0) else None
        if audit is None:
            return None
        tried = any(commit.stamp and commit.stamp.run == stamp.run for commit in history)
        lost = _lost(lake, asset, history)
        if not (rejected or tried or lost):
            return None
        return " OR ".join((_among({*lost, (stamp.run, None)}), *_come_again(lake, asset, history)))

    def rows() -> object:
        if audit is None:
            return engine.from_arrow(kept_back(lake, asset.key).slice(0, 0))
        rejected = audit.rejected
        if asset.write == "append":  # a row that comes again is another row, and the one before may be there still
            rejected = engine.with_suffix(rejected, ROW_ID, f"-{stamp.run.rpartition('-')[2]}")
        return engine.with_columns(rejected, {"run": stamp.run, "sequence": stamp.sequence})

    _replace(lake, engine, asset, stamp, place, rows)


def unpublished(kept: "pa.Table", commits: Sequence[Commit], history: Sequence[Commit]) -> set[str]:
    """The rows of runs that published nothing, nor any other the same: the next run keeps them back once more."""
    stamps = [commit.stamp for commit in commits if commit.stamp]
    made = {(stamp.run, stamp.sequence) for stamp in stamps}
    same = {(stamp.sequence, stamp.code, _read(stamp)) for stamp in stamps}
    tries = [commit.stamp for commit in history if commit.stamp]
    made |= {(s.run, s.sequence) for s in tries if (s.sequence, s.code, _read(s)) in same}
    found = zip(*(kept[name].to_pylist() for name in (ROW_ID, "run", "sequence")), strict=True)
    return {row for row, run, sequence in found if (run, sequence) not in made}


def _read(stamp: Stamp) -> frozenset[tuple[str, str, int]]:
    return frozenset((key, read.table, read.version) for key, read in stamp.inputs.items())


def settle(lake: Lake, engine: Engine, asset: TableAsset, stamp: Stamp) -> None:
    """Takes out of the quarantine what was put there for a sequence that another run published, and what came again.

    Where that cannot be done now, the next run that keeps rows back does it.
    """
    if asset.write == "replace" or not any(check.otherwise == "quarantine" for check in asset.checks):
        return

    def place(history: Sequence[Commit]) -> str | None:
        lost = _lost(lake, asset, history)
        return " OR ".join((*([_among(lost)] if lost else []), *_come_again(lake, asset, history))) or None

    with suppress(PlatformError):
        _replace(lake, engine, asset, stamp, place, lambda: engine.from_arrow(kept_back(lake, asset.key).slice(0, 0)))


def _replace(  # each is a part of one commit
    lake: Lake,
    engine: Engine,
    asset: TableAsset,
    stamp: Stamp,
    place: Callable[[Sequence[Commit]], str | None],
    rows: Callable[[], object],
) -> None:
    """Puts rows into the place of others, "" of all; nothing is done where there is no place.

    Each commit is numbered after the version that it was decided upon, so that of runs at once all but one decide again.
    """
    key = key_of(asset.key)
    for _ in range(_TRIES):
        history = lake.history(key)
        where = place(history)
        if where is None:
            return
        published = lake.history(asset.key)
        told = {"engine": engine.name, _OF: published[-1].table_id if published else ""}
        kept = Stamp(
            asset=key, code=stamp.code, inputs=stamp.inputs, run=stamp.run, sequence=stamp.sequence, extra=told
        )
        newest = history[-1].version if history else -1
        publication = Publication(
            location=lake.location(key),
            write="replace",
            replace_where=where or None,
            evolve=bool(where),
            metadata=kept.encode(),
            application=key,
            sequence=newest + 2,
        )
        try:
            engine.publish(rows(), publication)
        except CommitTaken:
            continue
        made = [commit.stamp for commit in lake.history(key) if commit.version > newest and commit.stamp]
        if any((other.run, other.sequence) == (kept.run, kept.sequence) for other in made):
            return
    raise CommitTaken(key, stamp.sequence)


def _lost(lake: Lake, asset: TableAsset, history: Sequence[Commit]) -> set[tuple[str, int]]:
    """The runs, and the sequences, that kept rows back and did not publish the sequence, for another run did.

    A table that was made again counts from 1 again; what was kept back from the one before it is not touched.
    """
    published = lake.history(asset.key)
    if not history or not published:
        return set()
    runs = {c.stamp.sequence: c.stamp.run for c in published if c.stamp and c.stamp.asset == asset.key}
    told = [commit.stamp for commit in history if commit.stamp and _OF in commit.stamp.extra]
    others = [place for place, each in enumerate(told) if each.extra[_OF] not in {"", published[-1].table_id}]
    since = told[others[-1] + 1 :] if others else told
    tried = {(each.run, each.sequence) for each in since if runs.get(each.sequence, each.run) != each.run}
    if not tried:
        return set()
    there = kept_back(lake, asset.key)
    return tried & set(zip(there["run"].to_pylist(), there["sequence"].to_pylist(), strict=True))


def _come_again(lake: Lake, asset: TableAsset, history: Sequence[Commit]) -> list[str]:
    """The rows of a merge that a run kept back and a later one again: once that has published, the later take their place."""
    if asset.write in {"replace", "append"} or not history or history[-1].rows == 0:
        return []
    stamps = [commit.stamp for commit in lake.history(asset.key) if commit.stamp]
    order = {(stamp.run, stamp.sequence): place for place, stamp in enumerate(stamps)}
    there = kept_back(lake, asset.key)
    if ROW_ID not in there.column_names:
        return []
    found = list(zip(*(there[name].to_pylist() for name in (ROW_ID, "run", "sequence")), strict=True))
    newest: dict[str, int] = {}
    for row, *made in found:
        newest[row] = max(newest.get(row, -1), order.get(tuple(made), -1))
    earlier: dict[tuple[str, int], list[str]] = {}
    for row, run, sequence in found:
        if -1 < order.get((run, sequence), -1) < newest[row]:
            earlier.setdefault((run, sequence), []).append(row)
    return [
        f"({_among({made})} AND {ROW_ID} IN ({', '.join(map(quoted, sorted(again)))}))"
        for made, again in earlier.items()
    ]


def _among(tries: Collection[tuple[str, int | None]] | Collection[tuple[str, int]]) -> str:
    """The rows of some runs, of one sequence or of all."""
    return " OR ".join(
        f"run = {quoted(run)}" if sequence is None else f"(run = {quoted(run)} AND sequence = {sequence})"
        for run, sequence in sorted(tries, key=str)
    )
