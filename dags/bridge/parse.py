"""From the definitions that the environment names to DAGs: what Airflow's parser is given."""

from collections.abc import Mapping

from airflow.sdk import DAG

from assets import catalog
from dags.bridge import connection
from dags.bridge.render import render
from dags.bridge.translate import translate
from dags.bridge.uri import uris
from lakehouse.settings import LakeSettings


def dags(only: str | None = None) -> Mapping[str, DAG]:
    """The DAG of each job by its name; `only` one of them, where a task needs no other."""
    connection.lend_to_parsing()
    declared = catalog.load_jobs()
    specs = translate(declared, uris(declared.graph, LakeSettings.from_env()), only=only)
    return {spec.id: render(spec) for spec in specs}
