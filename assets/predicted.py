"""What a version of a model predicts, beside what the version before it predicted."""

from dataclasses import dataclass

from assets.key import Reference
from lakehouse.duck import named, quoted
from lakehouse.history import Commit
from lakehouse.lake import Lake
from registry.model import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How often two versions say the same of what both have predicted, and how often each says what, before and after."""

    both: int
    same: int
    counts: tuple[tuple[str, int, int], ...]


def predicted_by(lake: Lake, table: str, model: str, version: ModelVersion) -> int | None:
    """The newest version of a table that a model's version has predicted; None where it has not yet."""
    found = [commit.version for commit in lake.history(table) if _read(commit, table, model, version)]
    return found[-1] if found else None


def agreement(lake: Lake, table: str, of: str, by: str, before: int | None, after: int) -> Agreement:
    """Two versions of a table of predictions compared: the column `of`, row by row of the column `by`.

    Without a version before, nothing is predicted by both.
    """
    column, identity = named(of), named(by)
    new = f"lakeline.at({quoted(table)}, {after})"
    old = f"lakeline.at({quoted(table)}, {before})" if before is not None else f"{new} WHERE false"
    compared = lake.query(
        f"SELECT count(*) AS both_told, count_if(o.told IS NOT DISTINCT FROM n.told) AS same "
        f"FROM (SELECT {identity} AS id, {column} AS told FROM {old}) o "
        f"JOIN (SELECT {identity} AS id, {column} AS told FROM {new}) n USING (id)"
    ).to_pylist()[0]
    counts = lake.query(
        f"SELECT told, sum(before)::BIGINT AS before, sum(after)::BIGINT AS after FROM ("
        f"SELECT {column}::VARCHAR AS told, 1 AS before, 0 AS after FROM {old} "
        f"UNION ALL SELECT {column}::VARCHAR, 0, 1 FROM {new}) GROUP BY told ORDER BY told"
    ).to_pylist()
    return Agreement(
        both=compared["both_told"],
        same=compared["same"],
        counts=tuple((str(row["told"]), row["before"], row["after"]) for row in counts),
    )


def _read(commit: Commit, table: str, model: str, version: ModelVersion) -> bool:
    if commit.stamp is None or commit.stamp.asset != table:
        return False
    return any(
        Reference.parse(name).key == model and (read.table, read.version) == (version.model_id, version.version)
        for name, read in commit.stamp.inputs.items()
    )
