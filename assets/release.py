"""Sends mended rows of the quarantine back into their table, through the same checks.

Three commits, in this order: the rows into the table, with a stamp that names them; the rows among the repairs, so that a
table which is computed anew finds them; the rows out of the quarantine. Whoever is stopped in between calls it again: rows that
the table's live stamps name are not published twice.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assets.asset import TableAsset
from assets.audited import counts, refuse_failures, rule_of
from assets.check import Custom, References, Rows, Unique
from assets.errors import ReleaseRefused, UnknownAsset
from assets.graph import Graph
from assets.key import nearest
from assets.observe import observe
from assets.quarantine import ADDED, kept_back, key_of, repairs_key, unpublished
from assets.reading import Inputs, Run
from assets.table_step import published
from lakehouse.audit import FAILED_CHECKS, ROW_ID, Audit, Pinned, Rule
from lakehouse.duck import quoted
from lakehouse.engine import Engine, Publication
from lakehouse.errors import CommitTaken
from lakehouse.history import Commit, last_stamped, live_commits
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp
from registry.models import Models

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 10_000
"""A stamp names the rows that it released; more than that make it too long to be read quickly."""

_OF_ITS_RUN = frozenset({"selection", "repaired", "released"})
_EARLY = "the run that kept it back has published nothing yet; run the asset first"
_GIVEN = "__lakeline_row_id"  # the audit gives an id of the mended values; this one is of the row that was mended


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What came of it: the version that holds the released rows, how many, and why others stay, by `row_id`."""

    version: int | None
    released: int
    stays: Mapping[str, str]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sorted:
    """Mended rows after their audit, those that passed and why the others did not."""

    passed: "pa.Table"
    stays: Mapping[str, str]
    audit: Audit | None
    rules: tuple[Rule, ...]


def released(
    lake: Lake, models: Models, graph: Graph, key: str, read: "Callable[[pa.Schema], pa.Table]", why: str
) -> Release:
    """Releases the mended rows that `read` finds in the columns it is told."""
    at = datetime.now(UTC)
    run = Run(id=f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", at=at, pins={})
    asset = graph.assets.get(key)
    if not isinstance(asset, TableAsset):
        raise UnknownAsset(key, nearest(key, graph.assets))
    inputs = Inputs(lake=lake, models=models, graph=graph, snapshot=observe(lake, models, graph), run=run)
    return release(inputs, asset, read(schema_of(_with_ids(key, kept_back(lake, key)))), why)


def _with_ids(key: str, kept: "pa.Table") -> "pa.Table":
    if not kept.column_names:
        raise ReleaseRefused(key, "no row of it was ever kept back")
    if ROW_ID not in kept.column_names:
        told = f"its quarantine knows no {ROW_ID}, for an earlier Lakeline filled it; run the asset with --force first"
        raise ReleaseRefused(key, told)
    return kept


def schema_of(kept: "pa.Table") -> "pa.Schema":
    """The columns that a file of mended rows has: those of the table, and the row's id."""
    import pyarrow as pa

    named = [field for field in kept.schema if field.name not in ADDED]
    return pa.schema([pa.field(ROW_ID, pa.string()), *named])


def release(inputs: Inputs, asset: TableAsset, mended: "pa.Table", why: str) -> Release:
    """Publishes those of the mended rows that pass the asset's checks; the others stay in the quarantine."""
    kept = _with_ids(asset.key, kept_back(inputs.lake, asset.key))
    _refuse_wrong(asset, mended)
    commits = inputs.lake.history(asset.key)
    live = list(list(live_commits(commits))[-1]) if commits else []
    last = last_stamped(live, asset.key)
    newest = last_stamped(commits, asset.key)
    if last is None or last.stamp is None or newest is None or newest.stamp is None:
        raise ReleaseRefused(asset.key, "it has no version that they could become a part of; run it first")
    known = set(kept[ROW_ID].to_pylist())
    unknown = tuple(row for row in mended[ROW_ID].to_pylist() if row not in known)
    before = {row for commit in live for row in _named_by(commit)}
    asked = _only(mended, known)
    early = unpublished(kept, commits, inputs.lake.history(key_of(asset.key))) - before
    done, todo = _only(asked, before), _without(asked, before | early)
    engine = inputs.engine(asset)
    try:
        found = _audited(inputs, asset, engine, todo, last.stamp, commits[-1].version)
        version = None
        if found.passed.num_rows:
            committed = inputs.snapshot.observed.sequences.get(asset.key, 0)
            sequence = max(newest.stamp.sequence, committed) + 1
            version = _publish(inputs, asset, engine, found, replace(last.stamp, sequence=sequence), why)
        out = _joined(done, found.passed)
        if out.num_rows:
            told = Stamp(
                asset=asset.key, code=last.stamp.code, inputs={}, run=inputs.run.id, sequence=newest.stamp.sequence
            )
            _keep_repairs(inputs, asset, engine, out, told, why)
            _let_go(inputs, asset, engine, kept, out, told)
    finally:
        engine.release()
    waiting = dict.fromkeys(_only(asked, early)[ROW_ID].to_pylist(), _EARLY)
    return Release(version=version, released=out.num_rows, stays={**waiting, **found.stays}, unknown=unknown)


def _refuse_wrong(asset: TableAsset, mended: "pa.Table") -> None:
    rows = mended[ROW_ID].to_pylist()
    if len(rows) > MOST_ROWS:
        raise ReleaseRefused(asset.key, f"{len(rows)} rows are too many for one commit; give {MOST_ROWS} at a time")
    twice = sorted(str(row) for row, count in Counter(rows).items() if count > 1 and row is not None)
    if twice:
        raise ReleaseRefused(asset.key, f"{ROW_ID} {twice[0]!r} stands there twice; each row is mended once")
    if None in rows:
        raise ReleaseRefused(asset.key, f"a row has no {ROW_ID}; it says which row was mended")


def _named_by(commit: Commit) -> Collection[str]:
    told = commit.stamp.extra.get("released") if commit.stamp else None
    rows = told.get("rows") if isinstance(told, dict) else None
    return [str(row) for row in rows] if isinstance(rows, list) else []


def _audited(inputs: Inputs, asset: TableAsset, engine: Engine, todo: "pa.Table", last: Stamp, version: int) -> _Sorted:
    """The mended rows by the asset's checks, with inputs as the table's last version read them."""
    if not todo.num_rows:
        return _Sorted(passed=todo, stays={}, audit=None, rules=())
    pins = {key: read.table_version for key, read in last.inputs.items()}
    at_pins = replace(inputs, run=replace(inputs.run, pins=pins))
    of_rows = (c for c in asset.checks if isinstance(c, (Rows, Unique, References, Custom)))
    rules = tuple(rule_of(check, at_pins, asset) for check in of_rows)
    beside = Pinned(location=inputs.lake.location(asset.key), version=version)
    is_merged = asset.write not in {"replace", "append"}  # a merged row takes the place of the one with its key
    frame = engine.from_arrow(_renamed(todo, ROW_ID, _GIVEN))
    audit = engine.audit(frame, rules, beside=None if is_merged else beside)
    refuse_failures(asset.key, rules, audit)
    rejected = engine.arrow(audit.rejected) if audit.rejected_rows else None
    stays = {}
    if rejected is not None:
        stays = dict(zip(rejected[_GIVEN].to_pylist(), rejected[FAILED_CHECKS].to_pylist(), strict=True))
    return _Sorted(passed=_without(todo, set(stays)), stays=stays, audit=audit, rules=rules)


def _publish(inputs: Inputs, asset: TableAsset, engine: Engine, found: _Sorted, last: Stamp, why: str) -> int:
    results = found.audit.results(found.rules) if found.audit else ()
    rows = found.passed[ROW_ID].to_pylist()
    stamp = replace(
        last,
        run=inputs.run.id,
        checks=(*results, *counts(inputs, asset, len(rows), adds=True)),
        extra={**_still_true(last), "released": {"rows": rows, "why": why}},
    )
    publication = Publication(
        location=inputs.lake.location(asset.key),
        write="append" if asset.write == "replace" else asset.write,
        metadata=stamp.encode(),
        application=asset.key,
        sequence=stamp.sequence,
    )
    frame = engine.from_arrow(found.passed.drop_columns([ROW_ID]))
    commit = published(inputs.lake, engine, frame, publication, stamp)
    if commit.stamp is None or commit.stamp.run != stamp.run:  # a run of the same inputs, which holds other rows
        raise CommitTaken(asset.key, stamp.sequence)
    return commit.version


def _still_true(last: Stamp) -> dict[str, object]:
    """What a stamp says beside its fields, without what was of its run alone; what a newer Lakeline says stays."""
    return {name: told for name, told in last.extra.items() if name not in _OF_ITS_RUN}


def _keep_repairs(inputs: Inputs, asset: TableAsset, engine: Engine, out: "pa.Table", told: Stamp, why: str) -> None:
    """The mended rows, by the id of the row that each stands for; an earlier repair of the same row makes way."""
    key = repairs_key(asset.key)
    stamp = replace(told, asset=key, extra={"why": why})
    publication = Publication(
        location=inputs.lake.location(key),
        write="replace",
        replace_where=_among(out),
        evolve=True,
        metadata=stamp.encode(),
        application=f"{key}/{stamp.run}",
        sequence=stamp.sequence,
    )
    engine.publish(engine.from_arrow(out), publication)


def _let_go(inputs: Inputs, asset: TableAsset, engine: Engine, kept: "pa.Table", out: "pa.Table", told: Stamp) -> None:
    key = key_of(asset.key)
    publication = Publication(
        location=inputs.lake.location(key),
        write="replace",
        replace_where=_among(out),
        evolve=True,
        metadata=replace(told, asset=key).encode(),
        application=f"{key}/{told.run}",
        sequence=told.sequence,
    )
    engine.publish(engine.from_arrow(kept.slice(0, 0)), publication)


def _among(rows: "pa.Table") -> str:
    return f"{ROW_ID} IN ({', '.join(quoted(str(row)) for row in rows[ROW_ID].to_pylist())})"


def _only(rows: "pa.Table", wanted: Collection[str]) -> "pa.Table":
    import pyarrow as pa

    return rows.filter(pa.array([row in wanted for row in rows[ROW_ID].to_pylist()], pa.bool_()))


def _without(rows: "pa.Table", unwanted: Collection[str]) -> "pa.Table":
    return _only(rows, set(rows[ROW_ID].to_pylist()) - set(unwanted))


def _renamed(rows: "pa.Table", old: str, new: str) -> "pa.Table":
    return rows.rename_columns([new if name == old else name for name in rows.column_names])


def _joined(*tables: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    return pa.concat_tables(tables)
