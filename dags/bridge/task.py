"""What a task of Airflow does: the same run as `lakeline run`, told in the task's log and by Airflow's events."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow.sdk import Asset, AssetAlias, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from assets import catalog
from assets.asset import ModelAsset, group_of
from assets.graph import Graph
from assets.lineage import Lineage
from assets.materialize import Done, Materializer
from assets.select import select
from assets.settings import DefinitionSettings
from assets.wakeup import WakeUp
from dags.bridge.events import Extra, News, news, told_versions
from dags.bridge.told import Told, tell_plan
from dags.bridge.uri import uris
from lakehouse.errors import Transient
from lakehouse.lake import Lake
from registry.journal import KEY as JOURNAL
from registry.models import Models
from registry.pages import run_page

_log = logging.getLogger("lakeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a task is to make: of its `keys` those that the `selection` chooses too, where the DAG run was asked for one.

    `waited` has the task that waited for each `model@alias` before it.
    """

    keys: tuple[str, ...]
    waited: Mapping[str, str]
    selection: str | None = None
    force: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a task has made, and the address of every asset; `page` is the page of MLflow's run, where there is one."""

    news: Mapping[str, News]
    addresses: Mapping[str, str]
    page: str | None = None


def materialize(wanted: Wanted, context: Context) -> Made:
    """Makes what is missing or stale of some assets, sends an event for each new version, and says what they are."""
    graph, lake = catalog.load(), Lake.from_env(_log.info)
    chosen = _chosen(graph, wanted)
    if wanted.why:
        _log.info("asked for: %s", wanted.why)
    models, jobs = Models.from_env(lake), DefinitionSettings.from_env().lakeline_jobs
    materializer = Materializer(lake, models, graph, report=_log.info, jobs=jobs)
    wakeup = woken(context, wanted.waited)
    done = materializer.run(", ".join(chosen), force=wanted.force, reporter=Told(), wakeup=wakeup, on_plan=tell_plan)
    _refuse_failed(done)
    lineage = Lineage.of(lake, (*chosen, JOURNAL))
    found = news(lineage, done.outcomes, wakeup.run)
    addresses = uris(graph, lake.settings)
    for key, made in found.items():
        _log.info("%s %s", key, made)
        _emit(context, Asset(name=key, uri=addresses[key], group=group_of(graph.assets[key])), made.extra)
    if not found:
        raise AirflowSkipException(_why_nothing(done))
    return Made(news=found, addresses=addresses, page=_page(models, graph, found))


def run_name(context: Context) -> str:
    """What the run of a DAG run is called in stamps and in the journal."""
    return f"{context['dag_run'].dag_id}/{context['dag_run'].run_id}"


def woken(context: Context, waited: Mapping[str, str]) -> WakeUp:
    """The run of a DAG run: the same for all its tasks, and when one is tried again."""
    run, task = context["dag_run"], context["ti"]
    found = {reference: task.xcom_pull(task_ids=name) for reference, name in waited.items()}
    return WakeUp(
        run=run_name(context),
        began=run.start_date or datetime.now(UTC),
        told=told_versions({a.name: e for a, e in context["triggering_asset_events"].items() if isinstance(a, Asset)}),
        waited={reference: int(version) for reference, version in found.items() if version is not None},
    )


def _chosen(graph: Graph, wanted: Wanted) -> Sequence[str]:
    """The task's assets, or those of them that the DAG run was asked for."""
    keys, selection = wanted.keys, wanted.selection
    asked = set(select(graph, selection)) if selection else set(keys)
    chosen = [key for key in keys if key in asked]
    if not chosen:
        raise AirflowSkipException(f"the run was asked for {selection!r}, which has none of {', '.join(keys)}")
    return chosen


def _page(models: Models, graph: Graph, found: Mapping[str, News]) -> str | None:
    """The page of the run that trained the last of the new models."""
    for key, made in reversed(tuple(found.items())):
        if isinstance(graph.assets[key], ModelAsset):
            version = made.extra["version"]
            trained = [each for each in models.versions(key.split(".")[1]) if each.version == version]
            page = run_page(models.settings, trained[-1].run_id) if trained else None
            if page is not None:
                _log.info("%s v%s in MLflow: %s", key, version, page)
            return page
    return None


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
