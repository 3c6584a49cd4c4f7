"""What a version of a model predicts, beside what the version before it predicted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assets.key import Reference
from lakehouse.duck import named, quoted
from lakehouse.history import Commit
from lakehouse.lake import Lake
from registry.model import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How often one thing was predicted.

    `before` and `after` count the rows that both versions predicted, `total` all that the version after predicted.
    """

    told: str
    before: int
    after: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a version predicts of its `rows`, beside what the version before predicts of them.

    It has predicted `both` as well, and says the `same` of so many of these.
    """

    rows: int
    both: int
    same: int
    said: tuple[Said, ...]


def predicted_by(lake: Lake, table: str, version: ModelVersion) -> int | None:
    """The newest version of a table that a model's version has predicted; None where it has not yet."""
    found = [commit.version for commit in lake.history(table) if _read(commit, table, version)]
    return found[-1] if found else None


def agreement(lake: Lake, table: str, of: str, by: str, before: int | None, after: int) -> Agreement:
    """Two versions of a table of predictions compared: the column `of`, row by row of the column `by`.

    Without a version before, nothing is predicted by both.
    """
    column, identity = named(of), named(by)
    new = f"lakeline.at({quoted(table)}, {after})"
    old = f"lakeline.at({quoted(table)}, {before})" if before is not None else f"{new} WHERE false"
    found = lake.query(
        f"SELECT old_told::VARCHAR AS before, told::VARCHAR AS after, old_id IS NOT NULL AS is_both, "
        f"old_id IS NOT NULL AND old_told IS NOT DISTINCT FROM told AS is_same, count(*) AS rows "
        f"FROM (SELECT {identity} AS id, {column} AS told FROM {new}) "
        f"LEFT JOIN (SELECT {identity} AS old_id, {column} AS old_told FROM {old}) ON id = old_id GROUP BY ALL"
    ).to_pylist()
    both = [pair for pair in found if pair["is_both"]]
    befores, afters, totals = _counted(both, "before"), _counted(both, "after"), _counted(found, "after")
    return Agreement(
        rows=totals.total(),
        both=afters.total(),
        same=sum(pair["rows"] for pair in both if pair["is_same"]),
        said=tuple(
            Said(told=told, before=befores[told], after=afters[told], total=totals[told])
            for told in sorted(befores.keys() | totals.keys())
        ),
    )


def _counted(pairs: Iterable[Mapping[str, Any]], side: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for pair in pairs:
        counted[str(pair[side])] += pair["rows"]
    return counted


def _read(commit: Commit, table: str, version: ModelVersion) -> bool:
    if commit.stamp is None or commit.stamp.asset != table:
        return False
    return any(
        Reference.parse(name).key.split(".")[-1] == version.name
        and (read.table, read.version) == (version.model_id, version.version)
        for name, read in commit.stamp.inputs.items()
    )
