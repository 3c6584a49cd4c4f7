"""From the definitions that the environment names to DAGs: what Airflow's parser is given."""

from collections.abc import Mapping

from airflow.sdk import DAG

from assets import catalog
from dags.bridge.render import render
from dags.bridge.settings import BridgeSettings
from dags.bridge.translate import translate
from dags.bridge.uri import uris
from dags.bridge.watched import watches
from lakehouse.settings import LakeSettings


def dags(only: str | None = None) -> Mapping[str, DAG]:
    """The DAG of each job by its name; `only` one of them, where a task needs no other."""
    declared = catalog.load_jobs()
    lake, bridge = LakeSettings.from_env(), BridgeSettings.from_env()
    watched = watches(declared.graph, lake, bridge.lakeline_watch_seconds)
    specs = translate(declared, uris(declared.graph, lake), only, watched)
    return {spec.id: render(spec) for spec in specs}
