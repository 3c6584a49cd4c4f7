"""What a person is shown who is asked about a model's version, in markdown. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from assets.predicted import Agreement
from observability.drift import ColumnDrift
from registry.comparison import Comparison


def report(
    comparison: Comparison,
    between: Mapping[str, tuple[int, int]],
    drift: Mapping[str, Sequence[ColumnDrift]],
    shown: Agreement | None,
) -> str:
    """A version beside the one that the alias stands at: metrics, data, what the rule says, and what it predicts."""
    c = comparison
    before = f"v{c.champion.version}" if c.champion else "none yet"
    verdict = "may take its place" if c.decision.better else "is worse: a reason is needed"
    parts = [
        "" if c.decision.better else _needs_a_reason(before, f"v{c.challenger.version}"),
        f"**{c.name}**: version {c.challenger.version} for `{c.alias}`, where {before} stands.",
        _table(("metric", before, f"v{c.challenger.version}"), _metrics(c)),
        _table(("trained on", before, f"v{c.challenger.version}", "rows"), _data(c, between)),
        _table(("column", "moved by (KS)", "p-value"), _drift(drift)),
        f"By its rule v{c.challenger.version} {verdict}:\n\n" + "\n".join(f"- {why}" for why in c.decision.reasons),
        _predictions(c, shown) if shown else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _metrics(c: Comparison) -> list[tuple[str, ...]]:
    return [(name, *map(_number, pair)) for name, pair in c.metrics.items()]


def _data(c: Comparison, between: Mapping[str, tuple[int, int]]) -> list[tuple[str, ...]]:
    return [(f"`{key}`", *map(_version, pair), _rows(between.get(key))) for key, pair in c.inputs.items()]


def _drift(drift: Mapping[str, Sequence[ColumnDrift]]) -> list[tuple[str, ...]]:
    return [
        (f"`{key.split('.')[1]}.{column.column}`", _number(column.ks_statistic), _number(column.p_value))
        for key, columns in drift.items()
        for column in columns
    ]


def _predictions(c: Comparison, shown: Agreement) -> str:
    after = f"v{c.challenger.version}"
    if c.champion is None or not shown.both:
        told = f"What v{c.champion.version} predicts of these rows is not known." if c.champion else ""
        alone = [(f"`{said.told}`", str(said.total)) for said in shown.said]
        return "\n\n".join(part for part in (told, _table(("predicted", f"{after}, all rows"), alone)) if part)
    before = f"v{c.champion.version}"
    same = f"Of {shown.both} rows that both predicted, {shown.same} are the same."
    told = f"The columns {before} and {after} count these alone, the last one all {shown.rows} that {after} predicted."
    counts = [(f"`{said.told}`", str(said.before), str(said.after), str(said.total)) for said in shown.said]
    return f"{same} {told}\n\n{_table(('predicted', before, after, f'{after}, all rows'), counts)}"


def _needs_a_reason(before: str, after: str) -> str:
    return (
        f"**{after} is worse than {before} by its rule: to approve it, a reason is needed.** "
        "Without one nothing is moved, and this form asks again."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    listed = list(rows)
    if not listed:
        return ""
    lines = [header, ["---"] * len(header), *listed]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _version(value: int | None) -> str:
    return "" if value is None else f"v{value}"


def _rows(counts: tuple[int, int] | None) -> str:
    return "" if counts is None else f"{counts[0]} added, {counts[1]} removed"
