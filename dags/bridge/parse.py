"""From the definitions that the environment names to DAGs: what Airflow's parser is given."""

from collections.abc import Mapping

from airflow.sdk import DAG

from assets import catalog
from assets.graph import Graph
from assets.settings import WatchSettings
from dags.bridge import connection
from dags.bridge.render import render
from dags.bridge.steps import Uris
from dags.bridge.translate import Watches, translate
from dags.bridge.uri import uris
from dags.bridge.watched import watches
from lakehouse.settings import LakeSettings


def dags(only: str | None = None) -> Mapping[str, DAG]:
    """The DAG of each job by its name; `only` one of them, where a task needs no other."""
    declared = catalog.load_jobs()
    addresses, watched = places(declared.graph)
    return {spec.id: render(spec) for spec in translate(declared, addresses, only, watched)}


def places(graph: Graph) -> tuple[Uris, Watches]:
    """The address of every asset, and how each external is watched."""
    connection.lend_to_parsing()
    lake, watching = LakeSettings.from_env(), WatchSettings.from_env()
    return uris(graph, lake), watches(graph, lake, watching.lakeline_watch_seconds)
