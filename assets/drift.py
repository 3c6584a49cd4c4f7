"""Measures drift: tables as they are now, beside the versions of them that a model was trained on."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from assets import catalog
from assets.errors import NothingToCompare
from assets.graph import Graph
from assets.observe import location_of
from lakehouse.errors import PlatformError, TableMissing
from lakehouse.history import Commit
from lakehouse.lake import Lake
from lakehouse.stamp import InputVersion
from lakehouse.table import Location, TableVersion
from lakehouse.taken import FILES
from observability.drift import ColumnDrift, Measurement, Pair
from observability.drift_log import DriftLog
from observability.push import push
from observability.settings import ObservabilitySettings
from registry.errors import UnknownModel
from registry.model import ModelVersion
from registry.models import Models


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of one table of one model.

    `measured` is None where it could not be compared; `is_new` tells that it was not recorded before. With an `error`
    beside it, it was recorded and could not be pushed.
    """

    model: ModelVersion
    table: str
    measured: Measurement | None = None
    is_new: bool = False
    error: PlatformError | None = None


class DriftMonitor:
    """Compares the tables of one lake with what its models were trained on, records it and pushes it."""

    def __init__(  # each is a collaborator
        self,
        lake: Lake,
        models: Models,
        graph: Graph,
        gateway: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.lake, self.models, self.graph, self.gateway = lake, models, graph, gateway
        self._clock, self._report, self._log = clock, report, DriftLog(lake)

    @classmethod
    def from_env(cls, report: Callable[[str], None] = lambda line: None) -> Self:
        """The lake, models, graph and Pushgateway that the environment names."""
        gateway = ObservabilitySettings.from_env().gateway
        graph, lake = catalog.load(), Lake.from_env(report)
        return cls(lake, Models.from_env(lake), graph, gateway, report=report)

    def notice(self) -> None:
        """Journals what others moved in MLflow; where it does not answer, the journal tells what was known last."""
        try:
            self.models.notice_outside_moves()
        except PlatformError as error:
            self._report(f"what was moved in MLflow was not looked at: {error}")

    def serving(self, name: str, alias: str) -> ModelVersion | None:
        """The version of a model that an alias stands at; None where it stands at none."""
        known = self.models.names()
        if name not in known and f"models.{name}" not in self.graph.assets:
            raise UnknownModel(name, known)
        return self.models.alias(name, alias)

    def tables(self, model: ModelVersion) -> tuple[str, ...]:
        """The tables that a version of a model was trained on."""
        return tuple(key for key, read in _trained_on(model).items() if read.alias is None and read.table != FILES)

    def check(self, model: ModelVersion, alias: str, table: str, run: str | None = None) -> Checked:
        """Compares, records and pushes one table; the same two versions are measured and recorded once, and pushed each time.

        An error is told in the answer, for other tables may go on.
        """
        try:
            location, read, newest = self._versions(model, alias, table)
            measured = self._log.find(read)
            is_new = False
            if measured is None:
                columns = self._measured(location, read, newest)
                measured = Measurement(at=self._clock(), pair=read, columns=columns)
                is_new = self._log.record(measured, run or f"{measured.at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
        except PlatformError as error:
            return Checked(model=model, table=table, error=error)
        try:
            if self.gateway is not None:
                push(self.gateway, measured)
        except PlatformError as error:
            return Checked(model=model, table=table, measured=measured, is_new=is_new, error=error)
        return Checked(model=model, table=table, measured=measured, is_new=is_new)

    def _measured(self, location: Location, pair: Pair, commits: Sequence[Commit]) -> tuple[ColumnDrift, ...]:
        before, after = (_newest_of(commits, version) for version in (pair.baseline, pair.current))
        return tuple(ColumnDrift.of(distance) for distance in self.lake.distances(location, before, after))

    def _versions(self, model: ModelVersion, alias: str, table: str) -> tuple[Location, Pair, Sequence[Commit]]:
        """Where the table is, what is compared of it, and its history."""
        trained_on = _trained_on(model)
        if table not in trained_on:
            told = f"it was trained on {', '.join(trained_on)}" if trained_on else "no stamp tells what that was"
            raise NothingToCompare(model.name, model.version, table, told)
        asset = self.graph.assets.get(table)
        location = self.lake.location(table) if asset is None else location_of(self.lake, asset)
        commits = self.lake.history(table, location)
        if not commits:
            raise TableMissing(location.uri)
        baseline, current = trained_on[table].table_version, commits[-1].table_version
        if baseline.table_id != current.table_id:
            told = f"that was {baseline} of a table that was dropped and made anew since; train it again"
            raise NothingToCompare(model.name, model.version, table, told)
        pair = Pair(
            model=model.name,
            model_id=model.model_id,
            model_version=model.version,
            alias=alias,
            table=table,
            baseline=baseline,
            current=current,
        )
        return location, pair, commits


def _trained_on(model: ModelVersion) -> dict[str, InputVersion]:
    return dict(model.stamp.inputs) if model.stamp else {}


def _newest_of(commits: Sequence[Commit], version: TableVersion) -> int:
    """The newest commit of the same content, for an upkeep may have removed the files of the older ones."""
    same = [commit.version for commit in commits if commit.table_version == version]
    return same[-1] if same else version.version
