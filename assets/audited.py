"""Judges a frame by an asset's checks: what may be published of it, and what the stamp will say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assets.asset import External, TableAsset
from assets.check import Custom, References, Rows, Unique
from assets.errors import ChecksFailed, CheckUnusable, FunctionFailed
from assets.key import Reference
from assets.matching import Matches
from assets.measure import Fresh, RowCount, worded
from assets.reading import Inputs
from lakehouse.audit import Audit, FunctionRule, Pinned, ReferenceRule, RowRule, Rule, Told, UniqueRule
from lakehouse.engine import Engine
from lakehouse.errors import PlatformError, RuleFailed, VersionUnreadable
from lakehouse.history import Commit
from lakehouse.stamp import CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What may be published of a frame, the audit of its rows where one was needed, and the results for the stamp."""

    frame: object
    audit: Audit | None
    results: tuple[CheckResult, ...]


def freshness(inputs: Inputs, asset: TableAsset) -> tuple[CheckResult, ...]:
    """How old the inputs are at their pins; asks no engine. Raises where one is older than a check lets pass."""
    results = []
    for check in asset.checks:
        if isinstance(check, Fresh):
            at = _changed_at(inputs, check.input)
            age = None if at is None else inputs.run.at - at
            is_fresh = age is not None and age <= check.within
            measured = "of unknown age" if age is None else f"{worded(max(age, timedelta()))} old"
            if not is_fresh and check.otherwise == "fail":
                raise ChecksFailed(asset.key, (f"{check.input} is {measured}, wanted {worded(check.within)} at most",))
            results.append(_whole(check, measured, is_wrong=not is_fresh))
    return tuple(results)


def audited(inputs: Inputs, asset: TableAsset, engine: Engine, frame: object, repairs: Pinned | None = None) -> Audited:
    """The frame, sorted by the checks; raises where one says that nothing may be published.

    The frame is computed once, here, where a check needs its rows or their number; else by the commit.
    """
    of_columns = _of_columns(asset, engine, frame)
    rules = tuple(rule_of(check, inputs, asset) for check in asset.checks if isinstance(check, _OF_ROWS))
    counted = [check for check in asset.checks if isinstance(check, RowCount)]
    if not rules and not counted:
        return Audited(frame=frame, audit=None, results=of_columns)
    try:
        audit = engine.audit(frame, rules, repairs)
    except RuleFailed as error:
        raise CheckUnusable(asset.key, asset.where, error.rule, error.reason) from error
    refuse_failures(asset.key, rules, audit)
    of_count = counts(inputs, asset, audit.total - audit.rejected_rows, adds=asset.write == "append")
    return Audited(frame=audit.passed, audit=audit, results=(*of_columns, *audit.results(rules), *of_count))


def counts(inputs: Inputs, asset: TableAsset, rows: int, *, adds: bool) -> tuple[CheckResult, ...]:
    """How many rows the table will have, against what its log says that it has; where that is silent, it is counted."""
    checks = [check for check in asset.checks if isinstance(check, RowCount)]
    if not checks:
        return ()
    history = inputs.lake.history(asset.key)
    before = _rows_before(inputs, asset, history[-1]) if history else None
    after = rows + (before or 0) if adds else rows
    results = []
    for check in checks:
        wrong = check.wrong(after, before)
        if wrong and check.otherwise == "fail":
            raise ChecksFailed(asset.key, (f"{check.name}: {wrong}",))
        results.append(_whole(check, f"{after} rows, {before or 0} before", is_wrong=bool(wrong)))
    return tuple(results)


def _rows_before(inputs: Inputs, asset: TableAsset, newest: Commit) -> int | None:
    if newest.rows is not None:
        return newest.rows
    try:
        return inputs.lake.count(inputs.lake.location(asset.key), newest.version)
    except VersionUnreadable:
        if asset.write != "replace":
            raise
        return None  # it is made anew, which must not wait for what cannot be read any more


_OF_ROWS = (Rows, Unique, References, Custom)


def rule_of(check: Rows | Unique | References | Custom, inputs: Inputs, asset: TableAsset) -> Rule:
    """What the engine is asked."""
    if isinstance(check, Rows):
        return RowRule(name=check.name, expression=check.expression, columns=check.columns, otherwise=check.otherwise)
    if isinstance(check, Unique):
        return UniqueRule(name=check.name, columns=check.columns, otherwise=check.otherwise)
    if isinstance(check, Custom):
        return FunctionRule(name=check.name, function=_asked(check, asset), otherwise=check.otherwise)
    return ReferenceRule(
        name=check.name,
        columns=check.columns,
        location=inputs.location(Reference(key=check.table)),
        version=inputs.run.version_of(Reference(key=check.table)),
        other_columns=check.other_columns,
        otherwise=check.otherwise,
    )


def refuse_failures(key: str, rules: Sequence[Rule], audit: Audit) -> None:
    """Raises where a rule with `fail` found something."""
    failures = tuple(
        _failure(rule, audit) for rule in rules if audit.failed[rule.name] and _forbids(rule, audit.told.get(rule.name))
    )
    if failures:
        raise ChecksFailed(key, failures)


def _forbids(rule: Rule, told: Told | None) -> bool:
    """A frame that is refused as a whole has no rows to keep back, so that `quarantine` forbids it, too."""
    return rule.otherwise == "fail" or (told is not None and rule.otherwise == "quarantine")


def _failure(rule: Rule, audit: Audit) -> str:
    if (told := audit.told.get(rule.name)) is not None:
        return f"{rule.name!r} does not hold{f': {told.measured}' if told.measured else ''}"
    such = "), (".join(audit.samples[rule.name])
    return f"{audit.failed[rule.name]} of {audit.total} rows fail {rule.name!r}, such as ({such})"


def _of_columns(asset: TableAsset, engine: Engine, frame: object) -> tuple[CheckResult, ...]:
    results = []
    columns = engine.columns(frame)
    for check in asset.checks:
        if isinstance(check, Matches):
            wrong = check.mismatches(columns)
            if wrong and check.otherwise != "warn":
                raise ChecksFailed(asset.key, wrong)
            total = max(len(check.columns), len(wrong))
            results.append(CheckResult(name=check.name, otherwise=check.otherwise, failed=len(wrong), total=total))
    return tuple(results)


def _asked(check: Custom, asset: TableAsset) -> Callable[[object], object]:
    """The author's function, whose errors name it."""

    def ask(frame: object) -> object:
        try:
            found = check.function(frame)
        except PlatformError:
            raise
        except Exception as error:  # an author's function may raise anything
            told = f"in the check {check.name!r}: {type(error).__name__}: {error}"
            code = getattr(check.function, "__code__", None)
            where = f"{code.co_filename}:{code.co_firstlineno}" if code else str(asset.where)
            raise FunctionFailed(asset.key, where, told) from error
        return Told(passed=found) if isinstance(found, bool) else found

    return ask


def _changed_at(inputs: Inputs, key: str) -> datetime | None:
    """When the pinned version of an input was made, or its newest landed file."""
    source = inputs.graph.assets[key]
    if isinstance(source, External) and source.files:
        newest = max((file.changed for file in inputs.snapshot.landings[key].files), default=None)
        return None if newest is None else datetime.fromtimestamp(newest / 1e9, UTC)
    pin = inputs.run.pins[key]
    commits = inputs.lake.history(key, inputs.location(Reference(key=key)))
    return next((c.at for c in commits if (c.table_id, c.version) == (pin.table_id, pin.version)), None)


def _whole(check: RowCount | Fresh, measured: str, *, is_wrong: bool) -> CheckResult:
    return CheckResult(name=check.name, otherwise=check.otherwise, failed=int(is_wrong), total=1, measured=measured)
