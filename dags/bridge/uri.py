"""The addresses of Airflow's assets, in a form that Airflow leaves as it is."""

from collections.abc import Mapping

from assets.asset import Asset, External, ModelAsset
from assets.graph import Graph
from assets.review import GATES
from lakehouse.settings import LakeSettings
from lakehouse.table import Location


def uris(graph: Graph, settings: LakeSettings) -> Mapping[str, str]:
    """The address of each asset of a graph, and of each alias of its models that a gate opens."""
    found = {key: _uri(asset, settings) for key, asset in graph.assets.items()}
    models = [key for key, asset in graph.assets.items() if isinstance(asset, ModelAsset)]
    return found | {f"{key}@{alias}": f"{found[key]}/{alias}" for key in models for alias in GATES}


def table_uri(location: Location) -> str:
    """The address of a table's folder: `file:///abs/path` or `s3://bucket/path`.

    >>> table_uri(Location(uri="/lake/gold/iris/"))
    'file:///lake/gold/iris'
    """
    uri = location.uri.rstrip("/")
    return uri if location.is_s3 else f"file://{uri}"


def _uri(asset: Asset, settings: LakeSettings) -> str:
    if isinstance(asset, ModelAsset):
        return f"x-mlflow-model://{asset.key.split('.')[1]}"  # Airflow changes nothing of a scheme that begins with x-
    if isinstance(asset, External) and asset.files is not None:
        return table_uri(Location(uri=str(settings.landing)).child(asset.key.split(".")[1]))
    if isinstance(asset, External) and asset.table is not None:
        return table_uri(settings.located(asset.table))
    return table_uri(settings.root.child(*asset.key.split(".")))
