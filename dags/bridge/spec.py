"""What Airflow is to be given, as plain values: DAGs, tasks, assets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


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
    """A task that makes what is missing or stale of these assets."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitSpec:
    """A sensor that waits until a version of a model has an alias."""

    model: str
    alias: str
    poll: timedelta
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One task. `outlets` are assets of which it emits one event for each version that it publishes.

    A task of one asset has it as its outlet. Where a task makes several, not each of them has a new version each time, so its
    events go by `alias`, the name of an Airflow alias.
    """

    id: str
    does: MaterializeSpec | WaitSpec
    after: tuple[str, ...] = ()
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
    """One DAG; `tasks` come after what they wait for."""

    id: str
    schedule: ScheduleSpec
    tasks: tuple[TaskSpec, ...]
    doc: str = ""
    tags: tuple[str, ...] = ()
    owner: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
