"""Makes one table: reads at the pins, computes, audits, publishes in one commit, confirms."""

from collections.abc import Sequence
from dataclasses import dataclass

from assets.asset import TableAsset
from assets.audited import audited, freshness
from assets.quarantine import keep_back, refuse_its_names, repairs_of, settle
from assets.reading import Inputs, called
from lakehouse.audit import Audit, Pinned
from lakehouse.engine import Engine, Publication
from lakehouse.errors import CommitTaken, OtherWriter, PlatformError
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE, Lake
from lakehouse.stamp import CheckResult, Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeTable:
    """The commit that holds the table, whether this run made it, and what is worth telling."""

    commit: Commit
    by_this_run: bool
    notes: tuple[str, ...]


def make_table(inputs: Inputs, asset: TableAsset, code: str, sequence: int) -> MadeTable:
    """Publishes the next version of a table, or nothing at all."""
    lake = inputs.lake
    _refuse_other_writer(lake, asset)
    engine = inputs.engine(asset)
    try:
        fresh = freshness(inputs, asset)
        read = inputs.read(asset)
        frame = _framed(engine, called(asset, read.frames, inputs.stop))
        refuse_its_names(asset, tuple(engine.columns(frame)))
        repairs = repairs_of(lake, asset)
        judged = audited(inputs, asset, engine, frame, repairs)
        results = (*fresh, *judged.results)
        stamp = Stamp(
            asset=asset.key,
            code=code,
            inputs=read.inputs,
            run=inputs.run.id,
            sequence=sequence,
            checks=results,
            extra={**inputs.extra, **_repaired(judged.audit, repairs)},
        )
        keep_back(lake, engine, asset, stamp, judged.audit)
        publication = Publication(
            location=lake.location(asset.key),
            write=asset.write,
            evolve=asset.schema == "evolve",
            metadata=stamp.encode(),
            application=asset.key,
            sequence=sequence,
        )
        try:
            commit = published(lake, engine, judged.frame, publication, stamp)
        except CommitTaken:
            settle(lake, engine, asset, stamp)
            raise
        settle(lake, engine, asset, stamp)
        return MadeTable(
            commit=commit,
            by_this_run=_run_of(commit) == stamp.run,
            notes=(*read.notes, *_notes(asset.key, results), *_passed_over(asset.key, judged.audit)),
        )
    finally:
        engine.release()


def _framed(engine: Engine, returned: object) -> object:
    """What a function returned, as a frame of the engine; rows of its own making it may return as Arrow."""
    import pyarrow as pa

    return engine.from_arrow(returned) if isinstance(returned, pa.Table) else returned


def _refuse_other_writer(lake: Lake, asset: TableAsset) -> None:
    """Refuses, before anything is computed, an engine that did not write the table or what was kept back from it."""
    for key in (asset.key, f"{QUARANTINE}.{asset.key}"):
        writer = lake.writer(key)
        if writer not in {None, asset.engine}:
            raise OtherWriter(key, str(writer), asset.engine)


def _repaired(audit: Audit | None, repairs: Pinned | None) -> dict[str, object]:
    """What the stamp says of rows that a person has mended and that took the place of wrong ones."""
    if audit is None or repairs is None or not audit.repaired:
        return {}
    return {"repaired": {"version": repairs.version, "rows": audit.repaired}}


def published(lake: Lake, engine: Engine, frame: object, publication: Publication, stamp: Stamp) -> Commit:
    """The commit that now holds the sequence: this run's own, or that of a run which made the same.

    The log is asked even after an error: a commit may have happened before its report was lost.
    """
    try:
        engine.publish(frame, publication)
    except PlatformError:
        commit = _holder(lake, stamp)
        if commit is None:
            raise
    else:
        commit = _holder(lake, stamp)
    if commit is None or commit.stamp is None:
        raise CommitTaken(stamp.asset, stamp.sequence)
    if commit.stamp.run != stamp.run and commit.stamp.fingerprint != stamp.fingerprint:
        raise CommitTaken(stamp.asset, stamp.sequence)
    return commit


def _holder(lake: Lake, stamp: Stamp) -> Commit | None:
    commits = lake.history(stamp.asset)
    wanted = (stamp.asset, stamp.partition, stamp.sequence)
    return next(
        (c for c in commits if c.stamp and (c.stamp.asset, c.stamp.partition, c.stamp.sequence) == wanted), None
    )


def _run_of(commit: Commit) -> str | None:
    return commit.stamp.run if commit.stamp else None


def _notes(key: str, results: Sequence[CheckResult]) -> tuple[str, ...]:
    words = {"warn": "published all the same", "quarantine": f"kept back in {QUARANTINE}.{key}"}
    return tuple(
        f"{_found(result)}: {words[result.otherwise]}"
        for result in results
        if result.failed and result.otherwise in words
    )


def _passed_over(key: str, audit: Audit | None) -> tuple[str, ...]:
    if audit is None or not audit.unfit:
        return ()
    told = f"{audit.unfit} repairs hold values that the columns no longer do and were passed over"
    return (f"{told}: the rows that they stand for are in {QUARANTINE}.{key}, to be mended again",)


def _found(result: CheckResult) -> str:
    if result.measured is not None:
        return f"{result.name} does not hold, it is {result.measured}"
    return f"{result.failed} of {result.total} rows fail {result.name!r}"
