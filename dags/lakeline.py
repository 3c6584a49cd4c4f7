"""Lakeline in DAGs that others write by hand: its assets to be scheduled on, and its runs as tasks.

>>> from dags.lakeline import asset, lakeline_task
"""

from typing import Any

from airflow.sdk import Asset, AssetAlias, TriggerRule

from assets import catalog
from assets.errors import Where
from assets.jobs import check_reference, makes
from dags.bridge.docs import doc_of_step
from dags.bridge.operators import MaterializeOperator
from dags.bridge.parse import places
from dags.bridge.render import asset as rendered
from dags.bridge.steps import read_by, reference_spec, retries
from dags.bridge.translate import watched

__all__ = ["asset", "lakeline_task"]


def asset(reference: str) -> Asset:
    """The Airflow asset of a table, a model, or an alias as `models.x@production`: for a schedule, an inlet or an outlet.

    A definition that does not exist is refused where the file is parsed. A file that must not import the definitions says
    `Asset.ref(name="gold.x")` in its place, and is told of nothing.
    """
    graph = catalog.load()
    check_reference(graph, reference, Where.of_caller(), "the asset of a DAG")
    addresses, watches = places(graph)
    (spec,) = watched((reference_spec(graph, reference, addresses),), watches)
    return rendered(spec)


def lakeline_task(
    selection: str, *, task_id: str | None = None, force: bool = False, **options: Any
) -> MaterializeOperator:
    """A task that makes what is missing or stale of a selection, as a task of a generated DAG does.

    It answers with what its events tell, by key, and is skipped where nothing is to be made. Its DAG comes to own nothing.
    Without a `task_id` it is called as its only asset, or "materialize", and without `retries` it is tried again as often as
    its assets say. The other options are any operator's.
    """
    graph = catalog.load()
    keys = makes(graph, selection, Where.of_caller(), "a selection of a DAG")
    given = {
        "task_id": task_id or (keys[0] if len(keys) == 1 else "materialize"),
        "retries": retries(graph.assets[key] for key in keys),
        "doc_md": doc_of_step(graph, selection, keys),
        "trigger_rule": TriggerRule.NONE_FAILED,
        **options,
    }
    made = MaterializeOperator(keys=keys, force=force, **given)
    addresses, watches = places(graph)
    made.add_inlets([rendered(spec) for spec in watched(read_by(graph, keys, addresses), watches)])
    made.add_outlets([AssetAlias(name=f"{made.dag_id}.{made.task_id}")])
    return made
