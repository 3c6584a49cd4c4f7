"""The task that measures drift: what `lakeline drift` does, for one table and one model."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from dags.bridge import connection
from dags.bridge.errors import worded

if TYPE_CHECKING:
    from assets.drift import Checked

_log = logging.getLogger("lakeline")


class CheckDrift(BaseOperator):
    """Measures how far a table moved from what the version of a model at an alias was trained on, records and pushes it."""

    template_fields: Sequence[str] = ()
    ui_color = "#f7efdc"

    def __init__(self, *, table: str, model: str, alias: str, **named: Any) -> None:
        super().__init__(**named)
        self.table, self.model, self.alias = table, model, alias

    def execute(self, context: Context) -> Mapping[str, object]:
        """What was found; skipped where no version has the alias."""
        from assets.drift import DriftMonitor
        from dags.bridge.task import run_name

        with worded():
            connection.lend()
            monitor = DriftMonitor.from_env(_log.info)
            monitor.notice()
            name = self.model.split(".", maxsplit=1)[1]
            version = monitor.serving(name, self.alias)
            if version is None:
                raise AirflowSkipException(f"nothing serves yet: no version of {name} has the alias {self.alias!r}")
            return _told(monitor.check(version, self.alias, self.table, run_name(context)))


def _told(checked: "Checked") -> Mapping[str, object]:
    """Tells the log what was found, and fails the task where that could not be measured or pushed."""
    measured, error = checked.measured, checked.error
    if measured is not None:
        pair = measured.pair
        known = "recorded" if checked.is_new else f"measured before, at {measured.at:%Y-%m-%d %H:%M:%S} UTC"
        _log.info(
            "%s %s beside %s of %s v%s: %s",
            pair.table,
            pair.current,
            pair.baseline,
            pair.model,
            pair.model_version,
            known,
        )
        for column in measured.columns:
            _log.info("%s: ks statistic %s, p-value %s", column.column, column.ks_statistic, column.p_value)
    if error is not None:
        raise error
    assert measured is not None
    return {
        "table": measured.pair.table,
        "model_version": measured.pair.model_version,
        "baseline_version": measured.pair.baseline.version,
        "current_version": measured.pair.current.version,
        "is_new": checked.is_new,
        "ks_statistic": {column.column: column.ks_statistic for column in measured.columns},
        "p_value": {column.column: column.p_value for column in measured.columns},
    }
