"""Lakeline in DAGs that others write by hand: its assets to be scheduled on, and its runs as tasks.

>>> from dags.lakeline import asset, lakeline_task
"""

from typing import Any

from airflow.sdk import Asset, AssetAlias, TriggerRule

from assets import catalog
from assets.errors import Where
from assets.graph import Graph
from assets.jobs import check_reference, makes
from dags.bridge import connection
from dags.bridge.docs import doc_of_step
from dags.bridge.operators import MaterializeOperator
from dags.bridge.render import asset as rendered
from dags.bridge.translate import reference_spec
from dags.bridge.uri import uris
from lakehouse.settings import LakeSettings

__all__ = ["asset", "lakeline_task"]


def asset(reference: str) -> Asset:
    """The Airflow asset of a table, a model, or an alias as `models.x@production`: for a schedule, an inlet or an outlet.

    A definition that does not exist is refused where the file is parsed. A file that must not import the definitions says
    `Asset.ref(name="gold.x")` in its place, and is told of nothing.
    """
    graph = catalog.load()
    check_reference(graph, reference, Where.of_caller(), "the asset of a DAG")
    return rendered(reference_spec(graph, reference, _addresses(graph)))


def lakeline_task(
    selection: str, *, task_id: str | None = None, force: bool = False, **options: Any
) -> MaterializeOperator:
    """A task that makes what is missing or stale of a selection, as a task of a generated DAG does.

    It answers with what its events tell, by key, and is skipped where nothing is to be made. Its DAG comes to own nothing.
    Without a `task_id` it is called as its only asset, or "materialize". The other options are any operator's.
    """
    graph = catalog.load()
    keys = makes(graph, selection, Where.of_caller(), "a selection of a DAG")
    given = {
        "task_id": task_id or (keys[0] if len(keys) == 1 else "materialize"),
        "doc_md": doc_of_step(graph, selection, keys),
        "trigger_rule": TriggerRule.NONE_FAILED,
        **options,
    }
    made = MaterializeOperator(keys=keys, force=force, **given)
    made.add_outlets([AssetAlias(name=f"{made.dag_id}.{made.task_id}")])
    return made


def _addresses(graph: Graph) -> Any:
    connection.lend_to_parsing()
    return uris(graph, LakeSettings.from_env())
