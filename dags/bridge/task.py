"""What a task of Airflow does: the same run as `lakeline run`, told in the task's log and by Airflow's events."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from airflow.sdk import Asset, AssetAlias, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from assets import catalog
from assets.asset import group_of
from assets.graph import Graph
from assets.lineage import Lineage
from assets.materialize import Done, Materializer
from assets.outcome import Outcome
from assets.plan import Step
from assets.select import select
from assets.settings import DefinitionSettings
from assets.wakeup import WakeUp
from dags.bridge.events import Extra, news, told_versions
from dags.bridge.uri import uris
from lakehouse.errors import Transient
from lakehouse.lake import Lake
from registry.journal import KEY as JOURNAL
from registry.models import Models

_log = logging.getLogger("lakeline")


class Told:
    """Tells the task's log what a run does."""

    def starting(self, step: Step) -> None:
        """An asset is about to be made."""
        _log.info("making %s (%s)", step.key, "; ".join(step.causes))

    def noted(self, key: str, line: str) -> None:
        """Something is to be known of an asset that is being made."""
        _log.info("note: %s", line)

    def ended(self, outcome: Outcome) -> None:
        """An asset has been dealt with."""
        for note in outcome.notes:
            _log.info("note: %s", note)
        if outcome.error is not None:
            _log.error("%s failed: %s", outcome.key, outcome.error)
        else:
            rows = "" if outcome.rows is None else f", {outcome.rows} rows"
            _log.info("%s: %s, v%s -> v%s%s", outcome.key, outcome.action, outcome.before, outcome.after, rows)


def materialize(keys: Sequence[str], waited: Mapping[str, str], context: Context) -> Mapping[str, object]:
    """Makes what is missing or stale of some assets, sends an event for each new version, and says what they are."""
    params = context["params"]
    graph, lake = catalog.load(), Lake.from_env(_log.info)
    chosen = _chosen(graph, keys, params.get("selection"))
    if params.get("why"):
        _log.info("asked for: %s", params["why"])
    models, jobs = Models.from_env(lake), DefinitionSettings.from_env().lakeline_jobs
    materializer = Materializer(lake, models, graph, report=_log.info, jobs=jobs)
    wakeup = woken(context, waited)
    done = materializer.run(", ".join(chosen), force=bool(params.get("force")), reporter=Told(), wakeup=wakeup)
    _refuse_failed(done)
    lineage = Lineage.of(lake, (*chosen, JOURNAL))
    found = news(lineage, done.outcomes, wakeup.run)
    addresses = uris(graph, lake.settings)
    for key, extra in found.items():
        _emit(context, Asset(name=key, uri=addresses[key], group=group_of(graph.assets[key])), extra)
    if not found:
        raise AirflowSkipException(_why_nothing(done))
    return dict(found)


def woken(context: Context, waited: Mapping[str, str]) -> WakeUp:
    """The run of a DAG run: the same for all its tasks, and when one is tried again."""
    run, task = context["dag_run"], context["ti"]
    found = {reference: task.xcom_pull(task_ids=name) for reference, name in waited.items()}
    return WakeUp(
        run=f"{run.dag_id}/{run.run_id}",
        began=run.start_date or datetime.now(UTC),
        told=told_versions({a.name: e for a, e in context["triggering_asset_events"].items() if isinstance(a, Asset)}),
        waited={reference: int(version) for reference, version in found.items() if version is not None},
    )


def _chosen(graph: Graph, keys: Sequence[str], selection: str | None) -> Sequence[str]:
    """The task's assets, or those of them that the DAG run was asked for."""
    asked = set(select(graph, selection)) if selection else set(keys)
    chosen = [key for key in keys if key in asked]
    if not chosen:
        raise AirflowSkipException(f"the run was asked for {selection!r}, which has none of {', '.join(keys)}")
    return chosen


def _emit(context: Context, asset: Asset, extra: Extra) -> None:
    """The event goes by the asset where it is an outlet, and by the task's alias where the task makes several."""
    for outlet in context["outlets"]:
        if isinstance(outlet, Asset) and outlet.name == asset.name:
            context["outlet_events"][outlet].extra = dict(extra)
        elif isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(asset, extra=dict(extra))


def _refuse_failed(done: Done) -> None:
    """Fails the task where an asset failed; another try is made only where the error may pass."""
    errors = [outcome for outcome in done.outcomes if outcome.error is not None]
    if done.is_ok:
        return
    told = "; ".join(f"{outcome.key}: {outcome.error}" for outcome in errors) or "the run was asked to end"
    if errors and not any(isinstance(outcome.error, Transient) for outcome in errors):
        raise AirflowFailException(told)
    raise AirflowException(told)


def _why_nothing(done: Done) -> str:
    return "nothing to do: " + "; ".join(
        f"{outcome.key} is {outcome.action}" + (f" ({'; '.join(outcome.causes)})" if outcome.causes else "")
        for outcome in done.outcomes
    )
