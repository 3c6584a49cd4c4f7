"""The operators of generated DAGs: thin, so that Airflow parses them without any engine."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator, BaseSensorOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from dags.bridge.wait import AliasTrigger


class MaterializeOperator(BaseOperator):
    """Makes what is missing or stale of some assets, and sends an event for each new version."""

    template_fields: Sequence[str] = ()
    ui_color = "#dff1e6"

    def __init__(self, *, keys: Sequence[str], waited: Mapping[str, str] | None = None, **named: Any) -> None:
        super().__init__(**named)
        self.keys, self.waited = tuple(keys), dict(waited or {})

    def execute(self, context: Context) -> Mapping[str, object]:
        """What was made, by key; skipped where nothing was to be made."""
        from dags.bridge.task import materialize

        return materialize(self.keys, self.waited, context)


class WaitForAlias(BaseSensorOperator):
    """Waits until a version of a model has an alias, and holds no worker while it waits."""

    template_fields: Sequence[str] = ()
    ui_color = "#e6ecf7"

    def __init__(self, *, model: str, alias: str, poll: timedelta, deadline: timedelta, **named: Any) -> None:
        super().__init__(**named)
        self.model, self.alias, self.poll, self.deadline = model, alias, poll, deadline

    def execute(self, context: Context) -> None:
        """Leaves the waiting to the triggerer."""
        began = context["dag_run"].start_date or datetime.now(UTC)
        self.defer(
            trigger=AliasTrigger(
                model=self.model,
                alias=self.alias,
                poll_seconds=self.poll.total_seconds(),
                deadline=(began + self.deadline).isoformat(),
            ),
            method_name="let_go",
        )

    def let_go(self, context: Context, event: Mapping[str, object]) -> int:
        """The version that has the alias."""
        if "version" not in event:
            raise AirflowFailException(
                f"no version of {self.model} has the alias {self.alias!r} after {self.deadline}: "
                f"'lakeline promote {self.model.split('.')[-1]} --to {self.alias}' gives it to one"
            )
        self.log.info("%s version %s is %s", self.model, event["version"], self.alias)
        return int(str(event["version"]))


class ReconcileOperator(BaseOperator):
    """Starts the jobs of what the log says is stale."""

    template_fields: Sequence[str] = ()
    ui_color = "#f0f0f0"

    def execute(self, context: Context) -> Sequence[str]:
        """The runs that were started."""
        from dags.bridge.reconcile import reconcile

        return reconcile(context)
