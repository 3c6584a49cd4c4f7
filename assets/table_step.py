"""Makes one table: reads at the pins, computes, audits, publishes in one commit, confirms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.asset import TableAsset
from assets.check import Matches, References, Rows, Unique
from assets.errors import ChecksFailed
from assets.key import Reference
from assets.reading import Inputs, called
from lakehouse.audit import Audit, ReferenceRule, RowRule, Rule, UniqueRule
from lakehouse.engine import Engine, Publication
from lakehouse.errors import CommitTaken, OtherWriter, PlatformError
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE, Lake
from lakehouse.stamp import CheckResult, Stamp

_TRIES = 20


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
        read = inputs.read(asset)
        frame = called(asset, read.frames, inputs.stop)
        schema_results = _schema_results(asset, engine, frame)
        rules = tuple(_rule(check, inputs) for check in asset.checks if not isinstance(check, Matches))
        audit = engine.audit(frame, rules) if rules else None
        results = (*schema_results, *(audit.results(rules) if audit else ()))
        stamp = Stamp(
            asset=asset.key,
            code=code,
            inputs=read.inputs,
            run=inputs.run.id,
            sequence=sequence,
            checks=results,
            extra=inputs.extra,
        )
        if audit:
            _refuse_failures(asset.key, rules, audit)
            _keep_back(lake, engine, stamp, audit)
        publication = Publication(
            location=lake.location(asset.key),
            write=asset.write,
            evolve=asset.schema == "evolve",
            metadata=stamp.encode(),
            application=asset.key,
            sequence=sequence,
        )
        commit = _published(lake, engine, audit.passed if audit else frame, publication, stamp)
        return MadeTable(
            commit=commit, by_this_run=_run_of(commit) == stamp.run, notes=(*read.notes, *_notes(asset.key, results))
        )
    finally:
        engine.release()


def _refuse_other_writer(lake: Lake, asset: TableAsset) -> None:
    """Refuses, before anything is computed, an engine that did not write the table or what was kept back from it."""
    for key in (asset.key, f"{QUARANTINE}.{asset.key}"):
        writer = lake.writer(key)
        if writer not in {None, asset.engine}:
            raise OtherWriter(key, str(writer), asset.engine)


def _schema_results(asset: TableAsset, engine: Engine, frame: object) -> tuple[CheckResult, ...]:
    results = []
    columns = engine.columns(frame)
    for check in asset.checks:
        if isinstance(check, Matches):
            wrong = check.mismatches(columns)
            if wrong and check.otherwise != "warn":
                raise ChecksFailed(asset.key, wrong)
            results.append(
                CheckResult(name=check.name, otherwise=check.otherwise, failed=len(wrong), total=len(check.columns))
            )
    return tuple(results)


def _rule(check: Rows | Unique | References, inputs: Inputs) -> Rule:
    if isinstance(check, Rows):
        return RowRule(name=check.name, expression=check.expression, otherwise=check.otherwise)
    if isinstance(check, Unique):
        return UniqueRule(name=check.name, columns=check.columns, otherwise=check.otherwise)
    return ReferenceRule(
        name=check.name,
        column=check.column,
        location=inputs.location(Reference(key=check.table)),
        version=inputs.run.pins[check.table].version,
        other_column=check.other_column,
        otherwise=check.otherwise,
    )


def _refuse_failures(key: str, rules: Sequence[Rule], audit: Audit) -> None:
    failures = tuple(
        f"{audit.failed[rule.name]} of {audit.total} rows fail {rule.name!r}, such as ({'), ('.join(audit.samples[rule.name])})"
        for rule in rules
        if rule.otherwise == "fail" and audit.failed[rule.name]
    )
    if failures:
        raise ChecksFailed(key, failures)


def _keep_back(lake: Lake, engine: Engine, stamp: Stamp, audit: Audit) -> None:
    """Puts the rejected rows into the quarantine; a retry of the same sequence puts its own, or none, in their place.

    Each commit is numbered after the version that it was decided upon, so that of runs at once all but one decide again.
    """
    key = f"{QUARANTINE}.{stamp.asset}"
    told = {"engine": engine.name}
    kept = Stamp(asset=key, code=stamp.code, inputs=stamp.inputs, run=stamp.run, sequence=stamp.sequence, extra=told)
    rejected = engine.with_columns(audit.rejected, {"run": stamp.run, "sequence": stamp.sequence})
    for _ in range(_TRIES):
        history = lake.history(key)
        tries = _earlier_tries(history, lake.history(stamp.asset), kept)
        if not audit.rejected_rows and not tries:
            return
        runs = ", ".join(f"'{run}'" for run in sorted({*tries, stamp.run}))
        publication = Publication(
            location=lake.location(key),
            write="replace",
            replace_where=f"sequence = {stamp.sequence} AND run IN ({runs})",
            evolve=True,
            metadata=kept.encode(),
            application=key,
            sequence=history[-1].version + 2 if history else 1,
        )
        try:
            engine.publish(rejected, publication)
        except CommitTaken:
            continue
        if any(c.stamp and (c.stamp.run, c.stamp.sequence) == (kept.run, kept.sequence) for c in lake.history(key)):
            return
    raise CommitTaken(key, stamp.sequence)


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


def _published(lake: Lake, engine: Engine, frame: object, publication: Publication, stamp: Stamp) -> Commit:
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
        f"{result.failed} of {result.total} rows fail {result.name!r}: {words[result.otherwise]}"
        for result in results
        if result.failed and result.otherwise in words
    )
