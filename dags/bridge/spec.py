"""What Airflow is to be given, as plain values: DAGs, tasks, assets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from assets.step import Predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSpec:
    """Where others write, and how often it is looked at: the folder of a Delta table, or files under a `pattern` of it."""

    place: str
    pattern: str | None
    poll_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSpec:
    """An Airflow asset: its name is the key, its uri the place of the table. What others write to it may be watched."""

    name: str
    uri: str
    group: str
    watch: WatchSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterializeSpec:
    """A task that makes what is missing or stale of these assets.

    `waited` has the task that waited for each `model@alias` before it, whose answer it reads.
    """

    keys: tuple[str, ...]
    waited: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitSpec:
    """A sensor that waits until a version of a model has an alias."""

    model: str
    alias: str
    poll: timedelta
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveSpec:
    """A task that asks whether a model's version may have an alias.

    `before` is the task that asked of the alias before, `then` the alias that is asked for next.
    """

    model: str
    alias: str
    shown: Predictions | None
    remind: timedelta
    before: str | None = None
    then: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """A task that compares a table with what the version of a model at an alias was trained on."""

    table: str
    model: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TendSpec:
    """A task that keeps tables small."""

    selection: str
    older_than: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSpec:
    """A task that starts the jobs of what the log says is stale."""


Does = MaterializeSpec | WaitSpec | ApproveSpec | CheckSpec | TendSpec | ReconcileSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One task. `inlets` are the assets that it reads and does not make itself.

    `outlets` are assets of which it emits one event for each version that it publishes.

    A task of one asset has it as its outlet. Where a task makes several, not each of them has a new version each time, so its
    events go by `alias`, the name of an Airflow alias.
    """

    id: str
    does: Does
    after: tuple[str, ...] = ()
    inlets: tuple[AssetSpec, ...] = ()
    outlets: tuple[AssetSpec, ...] = ()
    alias: str | None = None
    retries: int = 0
    owner: str | None = None
    pool: str | None = None
    timeout: timedelta | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """When a DAG starts: at times, on new versions of any or all of some assets, both, or neither."""

    cron: str | None = None
    timezone: str = "UTC"
    assets: tuple[AssetSpec, ...] = ()
    needs_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DagSpec:
    """One DAG; `tasks` come after what they wait for. At most `runs` of it are at work."""

    id: str
    schedule: ScheduleSpec
    tasks: tuple[TaskSpec, ...]
    doc: str = ""
    tags: tuple[str, ...] = ()
    runs: int = 1
