"""What of others is watched, and where it lies. Pure."""

from collections.abc import Mapping

from assets.asset import External
from assets.graph import Graph
from dags.bridge.spec import WatchSpec
from lakehouse.settings import LakeSettings


def watches(graph: Graph, settings: LakeSettings, poll_seconds: float) -> Mapping[str, WatchSpec]:
    """How each external of a graph is watched, by its key."""
    externals = [asset for asset in graph.assets.values() if isinstance(asset, External)]
    return {asset.key: _watch(asset, settings, poll_seconds) for asset in externals}


def _watch(asset: External, settings: LakeSettings, poll_seconds: float) -> WatchSpec:
    place = str(settings.landing) if asset.table is None else settings.located(asset.table).uri
    return WatchSpec(place=place, pattern=asset.files, poll_seconds=poll_seconds)
