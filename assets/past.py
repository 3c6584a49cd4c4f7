"""What each version was made from, also where it is not the newest any more."""

from collections.abc import Collection, Mapping

from assets.asset import ModelAsset, TableAsset
from assets.graph import Graph
from assets.key import Reference
from assets.plan import Observed, Plan
from assets.skew import Read, Skew, skews
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp
from lakehouse.table import TableVersion


class Past:
    """Looks stamps up in what was observed, and in the log where that tells only of newer ones; one thread at a time."""

    def __init__(
        self,
        lake: Lake,
        graph: Graph,
        observed: Observed,
        held: Collection[str] = (),
        began: Collection[str] = (),
    ) -> None:
        """`held` names the references of which `observed` holds an older version on purpose, `began` until they are made."""
        self._lake, self._graph, self._observed, self._held = lake, graph, observed, held
        self._older = {*held, *began}
        self._stamps: dict[str, Mapping[TableVersion, Stamp]] = {}

    def of_plan(self, planned: Plan) -> Mapping[str, tuple[Skew, ...]]:
        """The skews that the assets of a plan have, or will have once its work is done."""
        to_be_made = {step.key for step in planned.work}
        now: dict[str, TableVersion | None] = {**self._observed.now}
        for key in to_be_made:
            now |= {text: None for text in (key, f"{key}@candidate") if text not in self._held}
        wanted = {step.key: self._reads(step.key, now) for step in planned.steps if step.state != "BLOCKED"}

        def made_from(key: str, version: TableVersion | None) -> Read:
            return self._reads(key, now) if version is None else self.made_from(key, version)

        return skews(wanted, made_from, now)

    def of_one(self, key: str, pins: Mapping[str, TableVersion]) -> tuple[Skew, ...]:
        """The skews of an asset that is made from the pinned versions."""
        return skews({key: self._reads(key, pins)}, self.made_from, pins).get(key, ())

    def made_from(self, key: str, version: TableVersion | None) -> Read:
        """What a version of a table was made from; a model is meant to be older than what it is used on."""
        asset = self._graph.assets.get(key)
        stamp = self._stamp(key, version) if isinstance(asset, TableAsset) and version is not None else None
        if stamp is None:
            return {}
        return {str(Reference(key=name, alias=read.alias)): read.table_version for name, read in stamp.reads}

    def _stamp(self, key: str, version: TableVersion) -> Stamp | None:
        is_newest = self._observed.now.get(key) == version and key not in self._older
        if is_newest and key in self._observed.stamps:
            return self._observed.stamps[key]
        if key not in self._stamps:
            commits = [commit for commit in self._lake.history(key) if commit.stamp and commit.stamp.asset == key]
            self._stamps[key] = {commit.table_version: commit.stamp for commit in commits if commit.stamp}
        return self._stamps[key].get(version)

    def _reads(self, key: str, now: Read) -> Read:
        if isinstance(self._graph.assets.get(key), ModelAsset) or key not in self._graph.inputs:
            return {}
        read = [str(reference) for reference in self._graph.inputs[key].values()]
        return {text: now[text] for text in read if text in now}
