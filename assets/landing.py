"""Brings files into the landing folder of an external."""

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from assets.asset import External
from assets.errors import UnknownAsset
from assets.graph import Graph
from assets.key import nearest
from lakehouse import landing
from lakehouse.errors import NotLandable
from lakehouse.settings import LakeSettings


def land_files(graph: Graph, files: Iterable[Path], into: str | None) -> tuple[Path, ...]:
    """Copies files to where an external looks for them, each whole or not at all; the only external needs no name."""
    externals = {key: a for key, a in graph.assets.items() if isinstance(a, External) and a.files}
    if into is None and len(externals) == 1:
        into = next(iter(externals))
    wanted = list(files)
    if into is None and len(externals) > 1:
        raise NotLandable(
            str(wanted[0]), f"several externals take files; name one of {', '.join(externals)} with --into"
        )
    if isinstance(graph.assets.get(into or ""), External) and into not in externals:
        raise NotLandable(str(wanted[0]), f"{into} is a Delta table, which its own system writes")
    chosen = externals.get(into or "")
    if chosen is None or chosen.files is None:
        raise UnknownAsset(into or "", nearest(into or "", externals) or tuple(externals))
    pattern = Path(chosen.files)
    for file in wanted:
        if not file.is_file():
            raise NotLandable(str(file), "it is not a file")
        if not fnmatch(file.name, pattern.name):
            raise NotLandable(str(file), f"{chosen.key} takes files named {pattern.name!r}")
    folder = LakeSettings.from_env().landing / pattern.parent
    return tuple(landing.land(file, folder) for file in wanted)
