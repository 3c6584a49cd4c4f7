"""Reads what a function is given: each input once, at its pin, told as what was read."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assets.asset import External, Made, ModelAsset, TableAsset
from assets.errors import FunctionFailed, InputGone
from assets.graph import Graph
from assets.key import Reference, recorded
from assets.observe import Snapshot, files_extra, location_of, name_of
from assets.stop import Stop
from lakehouse import landing
from lakehouse.engine import Engine
from lakehouse.errors import PlatformError, VersionUnreadable
from lakehouse.lake import Lake
from lakehouse.stamp import InputVersion
from lakehouse.table import Location, TableVersion
from registry.models import Models


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: its name, its time, and the versions that all its steps read.

    `newest` has, for tables that did not change since their pin, the newest version of the same content: where small files
    were put together, an old version's own files may be gone. `woken_by` has the news that it was begun for.
    """

    id: str
    at: datetime
    pins: Mapping[str, TableVersion]
    newest: Mapping[str, int] = field(default_factory=dict)
    woken_by: tuple[str, ...] = ()

    def version_of(self, reference: Reference) -> int:
        """The version of a table that is read: it holds what the pinned one holds."""
        return self.newest.get(reference.key, self.pins[str(reference)].version)


@dataclass(slots=True, kw_only=True)
class Read:
    """What one asset's function is given, and what the stamp will say of it."""

    frames: dict[str, object] = field(default_factory=dict)
    inputs: dict[str, InputVersion] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Reads the inputs of a graph's assets at the pins of one run."""

    lake: Lake
    models: Models
    graph: Graph
    snapshot: Snapshot
    run: Run
    stop: Stop = field(default_factory=Stop)
    extra: Mapping[str, object] = field(default_factory=dict)  # what the stamp says beside what was read

    def engine(self, asset: TableAsset) -> Engine:
        """The engine that computes an asset, which a run that is to end can interrupt."""
        engine = self.lake.engine(asset.engine)
        self.stop.watch(asset.key, engine)
        return engine

    def read(self, asset: Made) -> Read:
        """Every input of an asset, as its engine's frames; a model's function gets Arrow tables."""
        engine = self.engine(asset) if isinstance(asset, TableAsset) else None
        found, names = Read(), recorded(self.graph.inputs[asset.key].values())
        for parameter, reference in self.graph.inputs[asset.key].items():
            source = self.graph.assets[reference.key]
            if isinstance(source, External) and source.files:
                self._landed(asset, parameter, source, engine, found)
                continue
            pin, version = self.run.pins[str(reference)], self.run.version_of(reference)
            found.inputs[names[reference]] = InputVersion(
                table=pin.table_id, version=pin.version, alias=reference.alias
            )
            if isinstance(source, ModelAsset):
                found.frames[parameter] = self.models.load(name_of(reference.key), pin.version)
            elif engine is None:
                found.frames[parameter] = self.lake.read_arrow(reference.key, version, self.location(reference))
            else:
                found.frames[parameter] = engine.read(self.location(reference), version)
        return found

    def confirm(self, asset: Made) -> None:
        """Raises where a table's version that an asset was made from is no longer there, as after an upkeep meanwhile.

        What goes between this look and the commit that tells of the need is not seen: upkeep and a run take no lock.
        """
        for reference in self.graph.inputs[asset.key].values():
            source = self.graph.assets[reference.key]
            if isinstance(source, ModelAsset) or (isinstance(source, External) and source.files):
                continue
            pinned = self.run.pins[str(reference)].version
            try:
                self._check_one_of(self.location(reference), (pinned, self.run.version_of(reference)))
            except VersionUnreadable as error:
                raise InputGone(asset.key, reference.key, pinned, error.reason) from error

    def _check_one_of(self, location: Location, same: tuple[int, int]) -> None:
        """Raises where none of two versions of the same content can be read."""
        first, other = same
        try:
            self.lake.check_readable(location, first)
        except VersionUnreadable:
            if other == first:
                raise
            self.lake.check_readable(location, other)

    def location(self, reference: Reference) -> Location:
        """Where an input's table is."""
        return location_of(self.lake, self.graph.assets[reference.key])

    def _landed(self, asset: Made, parameter: str, source: External, engine: Engine | None, found: Read) -> None:
        """The rows of the landed files: all that lie there, or for a table that is added to those not yet taken in."""
        folder = self.lake.settings.landing
        adds = isinstance(asset, TableAsset) and asset.write != "replace"
        known = self.snapshot.taken.get(asset.key, {}) if adds else {}
        wanted = [file for file in self.snapshot.landings[source.key].files if file.content not in known]
        taken = landing.take(folder, wanted, source.columns, self.run.at)
        for file in taken.files:
            if file.content in taken.rejected:
                reason = taken.rejected[file.content]
                kept = landing.set_aside(folder, file, self.lake.settings.home / "rejected" / source.key, reason)
                found.notes.append(f"{file.name} was set aside: {reason} (a copy is {kept})")
        found.frames[parameter] = taken.rows if engine is None else engine.from_arrow(taken.rows)
        pin = self.run.pins[source.key]
        found.inputs[source.key] = InputVersion(
            table=pin.table_id,
            version=pin.version - (len(wanted) - len(taken.files)),
            extra=files_extra(taken.files, taken.rejected),
        )


def called(asset: Made, frames: Mapping[str, object], stop: Stop) -> object:
    """What the author's function returns; where the run is to end by then, nothing more comes of it."""
    try:
        returned = asset.function(**frames)
    except PlatformError:
        raise
    except (
        Exception,
        SystemExit,
    ) as error:  # an author's function may raise anything, and must not stop the other assets
        frames_of_error = traceback.extract_tb(error.__traceback__)
        at = next((f for f in reversed(frames_of_error) if f.filename.endswith(asset.where.file)), frames_of_error[-1])
        told = f"{type(error).__name__}: {_reason(error)}"
        raise FunctionFailed(asset.key, f"{asset.where.file}:{at.lineno}", told) from error
    stop.pass_on(asset.key)
    return returned


def _reason(error: BaseException) -> str:
    """What an error says of itself; one that cannot say it is told by its name alone."""
    try:
        return str(error).split("JVM stacktrace")[0].strip()
    except Exception as in_words:  # the words of an author's error are an author's function, too
        return f"its words cannot be read ({type(in_words).__name__})"
