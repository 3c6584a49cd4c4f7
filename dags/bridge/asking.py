"""Asks whether a model's version may have an alias: decides what is left to do, and does what was answered."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Asset, Context
from airflow.sdk.exceptions import AirflowSkipException

from assets.gate import Gate
from dags.bridge import pending
from dags.bridge.report import report
from dags.bridge.spec import ApproveSpec
from dags.bridge.task import run_name
from registry.comparison import Comparison
from registry.errors import NothingToPromote, UnknownModel
from registry.pages import version_page

_log = logging.getLogger("lakeline")

APPROVE, REJECT = "Approve", "Reject"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One version before one gate; `run` is the DAG run that asks."""

    spec: ApproveSpec
    gate: Gate
    version: int
    run: str

    @classmethod
    def of(cls, spec: ApproveSpec, context: Context, version: int | None = None) -> "Question":
        """The version that is asked of, or that the task before has let pass, or that waits before the gate now."""
        before = context["ti"].xcom_pull(task_ids=spec.before) if spec.before and version is None else None
        try:
            gate = Gate.from_env(spec.model.split(".")[1], mirror_stages=False)
            chosen = gate.chosen(spec.alias, version if before is None else int(before))
        except (NothingToPromote, UnknownModel) as error:
            raise AirflowSkipException(str(error)) from error
        return cls(spec=spec, gate=gate, version=chosen, run=run_name(context))

    @property
    def comparison(self) -> Comparison:
        """The version beside the one that the alias stands at now."""
        return self.gate.compare(self.spec.alias, self.version)

    @property
    def reference(self) -> str:
        """The alias that is asked for, as `model@alias`."""
        return f"{self.spec.model}@{self.spec.alias}"

    @property
    def subject(self) -> str:
        """What is asked, in one line."""
        return f"{self.gate.name}: version {self.version} to {self.spec.alias}?"

    @property
    def body(self) -> str:
        """What there is to be known before answering."""
        comparison, shown = self.comparison, self.spec.shown
        between, drift = self.gate.rows_between(comparison), self.gate.drift_between(comparison)
        predictions = None if shown is None else self.gate.agreement_between(comparison, shown)
        told = report(comparison, between, drift, predictions)
        return told if self.page is None else f"{told}\n\n[Version {self.version} in MLflow]({self.page})"

    @property
    def page(self) -> str | None:
        """Where MLflow shows the version, if a server does."""
        return version_page(self.gate.models.settings, self.gate.name, self.version)

    def is_settled(self, context: Context) -> bool:
        """Whether nobody needs to be asked: the alias is there already, or the rule moves it; skips what is turned down."""
        alias = self.spec.alias
        if self.is_open() and self.gate.is_ruled(alias):
            self._ruled()
        standing = self.gate.standing(alias, self.version)
        if standing == "there":
            self._take_up_next()
        if standing == "there" and self._is_news(context):
            self._tell(context)
        elif standing != "open":
            raise AirflowSkipException(f"version {self.version} of {self.gate.name} is {standing}, before {alias}")
        return standing == "there"

    def take_up(self) -> None:
        """Tells that this DAG run asks; skips where another one does."""
        other = pending.asked_by(self.reference, self.version)
        if other is not None and other != self.run:
            raise AirflowSkipException(f"{other} asks this already")
        pending.note(self.reference, self.version, self.run)

    def _take_up_next(self) -> None:
        """Tells that this DAG run asks the next question as well, before anybody can see that it is to be asked."""
        if self.spec.then is not None:
            pending.note(f"{self.spec.model}@{self.spec.then}", self.version, self.run)

    def is_shown(self) -> bool:
        """Whether what the version predicts can be shown, where it is to be."""
        shown = self.spec.shown
        return shown is None or self.gate.predicted(shown.table, self.version) is not None

    def is_open(self) -> bool:
        """Whether it is still to be decided: nobody moved an alias, deleted the version or made a newer one meanwhile."""
        return self.gate.standing(self.spec.alias, self.version) == "open"

    def do(self, event: Mapping[str, Any]) -> None:
        """Does what a person has answered; a worse version that is approved without a reason is asked about again."""
        by = str((event.get("responded_by_user") or {}).get("name") or "somebody in Airflow")
        why = str((event.get("params_input") or {}).get("why") or "").strip()
        comparison, is_yes = self.comparison, REJECT not in event["chosen_options"]
        if is_yes and not comparison.decision.better and not why:
            _log.warning("%s approved without a reason, and by its rule the version is worse: asked again", by)
            return
        told = why or ("approved in Airflow" if is_yes else "")
        if is_yes:
            self._take_up_next()
        self.gate.answer(comparison, "open", is_yes=is_yes, by=by, why=told, run=self.run)

    def _ruled(self) -> None:
        comparison = self.comparison
        why, is_better = "; ".join(comparison.decision.reasons), comparison.decision.better
        _log.info("the rule %s version %s: %s", "takes" if is_better else "turns down", self.version, why)
        self.gate.answer(comparison, "open", is_yes=is_better, by="rule", why=why, run=self.run)

    def _is_news(self, context: Context) -> bool:
        """Whether the alias came to stand there since the DAG run began."""
        moves = [
            e for e in self.gate.models.events(self.gate.name) if e.alias == self.spec.alias and e.event == "moved"
        ]
        began = context["dag_run"].start_date
        return began is None or (bool(moves) and moves[-1].at >= began)

    def _tell(self, context: Context) -> None:
        spec, events = self.spec, context["outlet_events"]
        _log.info("%s version %s is %s", self.gate.name, self.version, spec.alias)
        for outlet in context["outlets"]:
            if isinstance(outlet, Asset) and outlet.name == self.reference:
                events[outlet].extra = {
                    "model": spec.model,
                    "alias": spec.alias,
                    "version": self.version,
                    "run": self.run,
                }
