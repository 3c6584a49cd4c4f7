"""The operators of generated DAGs: thin, so that Airflow parses them without any engine."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, BaseOperatorLink, BaseSensorOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from dags.bridge import connection
from dags.bridge.errors import worded
from dags.bridge.links import RunLink
from dags.bridge.wait import AliasTrigger

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from openlineage.client.event_v2 import Dataset

    from dags.bridge.task import Made


class MaterializeOperator(BaseOperator):
    """Makes what is missing or stale of some assets, and sends an event for each new version.

    The params of a generated DAG say what a run is asked for (`by_params`); those of others mean what others mean by them.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#dff1e6"
    operator_extra_links: Sequence[BaseOperatorLink] = (RunLink(),)

    def __init__(  # what a task is made of
        self,
        *,
        keys: Sequence[str],
        waited: Mapping[str, str] | None = None,
        force: bool = False,
        by_params: bool = False,
        **named: Any,
    ) -> None:
        super().__init__(**named)
        self.keys, self.waited, self.force, self.by_params = tuple(keys), dict(waited or {}), force, by_params
        self._made: Made | None = None

    def execute(self, context: Context) -> Mapping[str, object]:
        """What was made, by key; skipped where nothing was to be made."""
        from dags.bridge.task import Wanted, materialize

        asked = context["params"] if self.by_params else {}
        wanted = Wanted(
            keys=self.keys,
            waited=self.waited,
            selection=asked.get("selection"),
            force=self.force or bool(asked.get("force")),
            why=str(asked.get("why") or ""),
        )
        with worded():
            connection.lend()
            self._made = materialize(wanted, context)
        return {key: dict(news.extra) for key, news in self._made.news.items()}

    @property
    def page(self) -> str | None:
        """The page of MLflow's run, once a model was made."""
        return self._made.page if self._made else None

    def get_openlineage_facets_on_complete(self, task_instance: object) -> "OperatorLineage[Dataset, Any]":
        """The versions that were read and made; OpenLineage's provider asks, also of a task that failed or was skipped."""
        from dags.bridge.openlineage import facets

        return facets(self._made.news, self._made.addresses) if self._made else facets({}, {})


class WaitForAlias(BaseSensorOperator):
    """Waits until a version of a model has an alias, and holds no worker while it waits.

    The time begins with the task and not with its DAG run; a task that is cleared waits its whole time once more.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#e6ecf7"

    def __init__(self, *, model: str, alias: str, poll: timedelta, deadline: timedelta, **named: Any) -> None:
        super().__init__(**named)
        self.model, self.alias, self.poll, self.deadline = model, alias, poll, deadline

    def execute(self, context: Context) -> None:
        """Leaves the waiting to the triggerer."""
        self.defer(
            trigger=AliasTrigger(
                model=self.model,
                alias=self.alias,
                poll_seconds=self.poll.total_seconds(),
                deadline=(datetime.now(UTC) + self.deadline).isoformat(),
            ),
            method_name="let_go",
        )

    def let_go(self, context: Context, event: Mapping[str, object]) -> int:
        """The version that has the alias."""
        if "unseen" in event:
            raise AirflowFailException(
                f"whether a version of {self.model} has the alias {self.alias!r} could not be seen after {self.deadline}: "
                f"{event['unseen']}"
            )
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

        with worded():
            connection.lend()
            return reconcile(context)
