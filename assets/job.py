"""Jobs: what is done together and when, as values; and the words with which an author declares them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args

from assets.errors import BadOption, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """At the times of a cron expression.

    >>> Cron.at("0 6 * * *")
    Cron(expression='0 6 * * *', timezone='UTC')
    """

    expression: str
    timezone: str = "UTC"

    @classmethod
    def at(cls, expression: str, timezone: str = "UTC") -> "Cron":
        """At the times of an expression of five fields, in a time zone."""
        return cls(expression=expression, timezone=timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnUpdate:
    """Whenever assets have new versions: one of them, or each of them since the last time."""

    assets: tuple[str, ...]
    needs: Literal["any", "all"]

    @classmethod
    def any(cls, *assets: str) -> "OnUpdate":
        """Once one of the assets has a new version."""
        return cls(assets=assets, needs="any")

    @classmethod
    def all(cls, *assets: str) -> "OnUpdate":
        """Once each of the assets has a new version."""
        return cls(assets=assets, needs="all")


Schedule = Cron | OnUpdate
Gated = Literal["staging", "production"]


@dataclass(frozen=True, slots=True)
class Materialize:
    """Makes what is missing or stale of a selection: one task `by="asset"` for each, or one for the whole `"step"`.

    A job that makes assets owns them, and no other job may. With `owns=False` it only sees to it that they are fresh.
    `name` is the task's name where there is one task.
    """

    selection: str
    by: Literal["asset", "step"] = "asset"
    name: str | None = None
    owns: bool = True


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Waits until a version of a model has an alias, asking every `poll`, and fails after `timeout`.

    The time counts from when this step begins, however long those before it took. It looks at once, and once more at the end.
    """

    model: str
    alias: str
    poll: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(days=7)
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """A table in which a model's predictions stand: in the column `of`, one for each value of the column `by`."""

    table: str
    of: str
    by: str


@dataclass(frozen=True, slots=True)
class Approve:
    """Asks whether a model's version may have an alias: a person, or the rule where the model's gate says so.

    Before `staging` it is the candidate, before `production` what is in staging. A `shown` table is waited for until the version
    has predicted it, and compared with what the version before predicted. Somebody is reminded every `remind`.
    """

    model: str
    alias: Gated
    shown: Predictions | None = None
    remind: timedelta = timedelta(days=1)
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Compares a table as it is now with what a model was trained on: the version of it that stands at `alias`."""

    table: str
    model: str
    alias: str = "production"
    name: str | None = None


Step = Materialize | WaitFor | Approve | Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Steps, each begun once the one before it is done, and the schedules that start them; none where a person does."""

    name: str
    steps: tuple[Step, ...]
    where: Where
    schedule: tuple[Schedule, ...] = ()
    description: str = ""
    owner: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    pool: str | None = None
    timeout: timedelta | None = None

    @property
    def cron(self) -> Cron | None:
        """The times at which it starts."""
        return next((each for each in self.schedule if isinstance(each, Cron)), None)

    @property
    def on_update(self) -> OnUpdate | None:
        """The assets whose new versions start it."""
        return next((each for each in self.schedule if isinstance(each, OnUpdate)), None)


def job(
    name: str,
    *,
    steps: Iterable[Step],
    schedule: Schedule | Iterable[Schedule] = (),
    description: str = "",
    owner: str | None = None,
    tags: Mapping[str, str] | None = None,
    pool: str | None = None,
    timeout: timedelta | None = None,
) -> Job:
    """Declares what is done together and when; in Airflow it is a DAG of this name.

    It may have times and updates as its schedule, at most one of each. `timeout` is how long one of its tasks may take that
    makes or compares something, `pool` the Airflow pool that they share; what an asset says of its own counts more.
    """
    where = Where.of_caller()
    schedules = (schedule,) if isinstance(schedule, (Cron, OnUpdate)) else tuple(schedule)
    made = Job(
        name=name,
        steps=tuple(steps),
        where=where,
        schedule=schedules,
        description=description,
        owner=owner,
        tags=dict(tags or {}),
        pool=pool,
        timeout=timeout,
    )
    _check(made)
    return made


def _check(made: Job) -> None:
    told = f"of the job {made.name!r}"
    if not made.name.replace("_", "a").replace("-", "a").isalnum() or not made.name.isascii():
        raise BadOption(made.where, "the name of a job", repr(made.name), "letters, digits, '_' and '-'")
    if not made.steps:
        raise BadOption(made.where, f"steps {told}", "()", "at least one step: [Materialize('gold.*')]")
    if strangers := [each for each in made.steps if not isinstance(each, Step)]:
        raise BadOption(
            made.where,
            f"a step {told}",
            repr(strangers[0]),
            " or ".join(f"{kind.__name__}(...)" for kind in get_args(Step)),
        )
    gates = [each.alias for each in made.steps if isinstance(each, Approve)]
    if wrong := [alias for alias in gates if alias not in get_args(Gated)]:
        raise BadOption(made.where, f"an alias {told}", repr(wrong[0]), " or ".join(map(repr, get_args(Gated))))
    crons = [each for each in made.schedule if isinstance(each, Cron)]
    updates = [each for each in made.schedule if isinstance(each, OnUpdate)]
    if len(crons) > 1 or len(updates) > 1 or len(crons) + len(updates) != len(made.schedule):
        wanted = "at most one Cron.at(...) and one OnUpdate.any(...) or OnUpdate.all(...)"
        raise BadOption(made.where, f"schedule {told}", repr(made.schedule), wanted)
    for update in updates:
        if not update.assets:
            raise BadOption(made.where, f"OnUpdate {told}", "no asset", "the keys of assets: OnUpdate.any('gold.x')")
