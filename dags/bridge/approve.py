"""The operator that asks: it holds no worker while a person thinks, and takes any other decision for an answer as well."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, BaseOperatorLink, Context, Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from dags.bridge import connection, reminder
from dags.bridge.errors import worded
from dags.bridge.gate import SETTLE_SECONDS, GateTrigger
from dags.bridge.links import VersionLink
from dags.bridge.spec import ApproveSpec
from lakehouse.errors import Transient

if TYPE_CHECKING:
    from dags.bridge.asking import Question

_POLL_SECONDS = 15.0
_PAUSE = timedelta(seconds=20)
_WHY = "why"
_REASON = "The reason; it goes into the journal. A version that is worse by its rule is not approved without one."


class ApproveOperator(BaseOperator):
    """Asks whether a model's version may have an alias, and moves it; answers with the version.

    The form is Airflow's own. It is closed as well where the alias is moved by `lakeline promote` or in MLflow, and where a
    newer version comes to wait. It is skipped for a version that may not have the alias, or that has had it before.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#f7eede"
    operator_extra_links: Sequence[BaseOperatorLink] = (VersionLink(),)

    def __init__(self, *, spec: ApproveSpec, **named: Any) -> None:
        super().__init__(**named)
        self.spec = spec
        self.page: str | None = None

    def execute(self, context: Context) -> int:
        """Asks, unless the question is settled already; asks later where the registry or the lake is away."""
        return self.begin(context)

    def begin(self, context: Context, event: object = None) -> int:
        """The same, also once a pause is over."""
        from dags.bridge.asking import Question

        with worded():
            connection.lend()
            try:
                return self._go_on(Question.of(self.spec, context), context)
            except Transient as error:
                self._later("begin", {}, error)

    def heard(
        self, context: Context, event: Mapping[str, Any], version: int, kept: Mapping[str, Any] | None = None
    ) -> int:
        """Goes on after an answer, or after something else that decides; asks again where a reason is missing.

        An answer is `kept` while the registry or the lake is away.
        """
        from dags.bridge.asking import Question

        told = event if kept is None else kept
        with worded():
            connection.lend()
            try:
                question = Question.of(self.spec, context, version)
                if told.get("chosen_options") and question.is_open():
                    question.do(told)
                return self._go_on(question, context)
            except Transient as error:
                by = told.get("responded_by_user")
                answer = {name: told.get(name) for name in ("chosen_options", "params_input")}
                self._later("heard", {"version": version, "kept": answer | {"responded_by_user": by}}, error)

    def _later(self, method: str, arguments: dict[str, Any], error: Exception) -> NoReturn:
        self.log.warning("tried again in %s: %s", _PAUSE, error)
        self.defer(trigger=TimeDeltaTrigger(_PAUSE), method_name=method, kwargs=arguments)

    def _go_on(self, question: "Question", context: Context) -> int:
        self.page = question.page
        reminder.waits_no_longer(self.spec.model, self.spec.alias, question.version)
        if question.is_settled(context):
            return question.version
        question.take_up()
        if not question.is_shown():
            self.log.info("waiting until version %s has predicted %s", question.version, self.spec.shown)
            return self._wait(question, asked=None)
        self._ask(question, context)
        return self._wait(question, asked=str(context["ti"].id))

    def _ask(self, question: "Question", context: Context) -> None:
        from dags.bridge.asking import APPROVE, REJECT

        if question.page is not None:
            # A button is kept once a task has ended, and this one is wanted before.
            context["ti"].xcom_push(VersionLink().xcom_key, question.page)
        fields = ParamsDict({_WHY: Param(None, type=["null", "string"], description=_REASON)})
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=[APPROVE, REJECT],
            subject=question.subject,
            body=question.body,
            params={name: fields.get_param(name).serialize() for name in fields},
        )
        # Airflow loses an answer to a task whose worker is still ending; one that comes at once finds it running.
        time.sleep(SETTLE_SECONDS)

    def _wait(self, question: "Question", asked: str | None) -> NoReturn:
        spec = self.spec
        trigger = GateTrigger(
            model=spec.model,
            alias=spec.alias,
            version=question.version,
            shown=spec.shown.table if spec.shown else None,
            asked=asked,
            since=datetime.now(UTC).isoformat(),
            poll_seconds=_POLL_SECONDS,
            remind_seconds=spec.remind.total_seconds(),
        )
        self.defer(trigger=trigger, method_name="heard", kwargs={"version": question.version})
