"""The command that compares tables with what the models that serve were trained on."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.models import bare
from api.cli.options import AsJson
from api.cli.progress import Progress

if TYPE_CHECKING:
    from assets.drift import Checked


def drift(
    model: Annotated[str | None, typer.Argument(help="One model; all of them without it.")] = None,
    alias: Annotated[str, typer.Option(help="Which version's training data is compared with.")] = "production",
    as_json: AsJson = False,
) -> None:
    """Measures how far each numeric column moved from what the serving model was trained on, records and pushes it.

    Example: lakeline drift iris_xgboost_classifier
    """
    from assets.drift import DriftMonitor

    monitor = DriftMonitor.from_env(Progress(is_quiet=as_json).say)
    monitor.notice()
    names = monitor.models.names() if model is None else (bare(model),)
    standing = {name: monitor.serving(name, alias) for name in names}
    checked = [
        monitor.check(version, alias, table)
        for version in standing.values()
        if version is not None
        for table in monitor.tables(version)
    ]
    if as_json:
        show.as_json([row for each in checked for row in _plain(each)])
    for each in checked:
        if not as_json:
            _tell(each, alias)
        if each.error is not None:
            show.err.print(f"error: {each.error}", style="red", markup=False)
    for name in (name for name, version in standing.items() if version is None):
        show.err.print(f"nothing serves yet: no version of {name} has the alias {alias!r}", style="dim", markup=False)
    if not names:
        show.err.print("nothing serves yet: no model is registered", style="dim")
    if any(each.error is not None for each in checked):
        raise typer.Exit(1)


def _tell(checked: "Checked", alias: str) -> None:
    """One table of one model, a line for each column."""
    measured = checked.measured
    if measured is None:
        return
    base, now = measured.pair.baseline, measured.pair.current
    told = f"{checked.table} {now}, beside {base} that {checked.model.name} v{checked.model.version} ({alias}) learned from"
    known = "recorded in ops.drift" if checked.is_new else f"measured before, at {show.told(measured.at)}"
    show.out.print(f"{told}: {known}", markup=False)
    show.rows(
        ("column", "ks statistic", "p-value", f"baseline {base}", f"current {now}"),
        [
            (
                c.column,
                c.ks_statistic,
                c.p_value,
                _rows(c.baseline_rows, c.baseline_nulls),
                _rows(c.current_rows, c.current_nulls),
            )
            for c in measured.columns
        ],
    )


def _rows(rows: int, nulls: int) -> str:
    return f"{rows} rows, {nulls} without a value" if nulls else f"{rows} rows"


def _plain(checked: "Checked") -> list[dict[str, object]]:
    from observability.drift_log import rows_of

    return [] if checked.measured is None else rows_of(checked.measured)
