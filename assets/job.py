"""Jobs: what is done together and when, as values; and the words with which an author declares them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args

from assets import options
from assets.errors import BadOption, Where
from assets.step import Step, check_step

Needs = Literal["any", "all"]


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
    needs: Needs

    @classmethod
    def any(cls, *assets: str) -> "OnUpdate":
        """Once one of the assets has a new version."""
        return cls(assets=assets, needs="any")

    @classmethod
    def all(cls, *assets: str) -> "OnUpdate":
        """Once each of the assets has a new version."""
        return cls(assets=assets, needs="all")


Schedule = Cron | OnUpdate


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
    options.check_name(where, "the name of a job", name)
    options.check_texts(where, description=description, owner=owner, pool=pool)
    return Job(
        name=name,
        steps=_steps(where, name, steps),
        where=where,
        schedule=_schedules(where, name, schedule),
        description=description,
        owner=owner,
        tags=options.tags(where, tags),
        pool=pool,
        timeout=options.duration(where, "timeout", timeout),
    )


def _steps(where: Where, job: str, given: object) -> tuple[Step, ...]:
    each = _listed(given)
    if not each:
        wanted = "a list of at least one step: [Materialize('gold.*')]"
        raise BadOption(where, f"steps of the job {job!r}", options.shown(given), wanted)
    for step in each:
        check_step(where, job, step)
    return each  # type: ignore[return-value]  # each was looked at


def _schedules(where: Where, job: str, given: object) -> tuple[Schedule, ...]:
    told = f"schedule of the job {job!r}"
    each = _listed(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    for one in each:
        _check_schedule(where, told, one)
    if len({type(one) for one in each}) < len(each):
        wanted = "at most one Cron.at(...) and one OnUpdate.any(...) or OnUpdate.all(...)"
        raise BadOption(where, told, options.shown(given), wanted)
    return each  # type: ignore[return-value]  # each was looked at


def _listed(given: object) -> tuple[object, ...]:
    """What is given in a list, or in something like one; nothing where it is none."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, (str, Mapping)) else ()


def _check_schedule(where: Where, told: str, found: object) -> None:
    match found:
        case Cron():
            options.check_text(where, f"expression of Cron in the {told}", found.expression, "'0 6 * * *'")
            options.check_text(where, f"timezone of Cron in the {told}", found.timezone, "'Europe/Berlin'")
        case OnUpdate():
            options.check_one_of(where, f"needs of OnUpdate in the {told}", found.needs, get_args(Needs))
            if not found.assets or not all(isinstance(key, str) for key in found.assets):
                wanted = "the keys of assets: OnUpdate.any('gold.x')"
                raise BadOption(where, f"OnUpdate in the {told}", options.shown(found.assets), wanted)
        case _:
            raise BadOption(where, told, options.shown(found), _meant(found))


def _meant(found: object) -> str:
    """How a schedule is written that was given in other words."""
    if isinstance(found, str) and (" " in found or found.startswith("@")):
        return f"Cron.at({found!r})"
    if isinstance(found, str) and "." in found:
        return f"OnUpdate.any({found!r})"
    return "Cron.at('0 6 * * *') or OnUpdate.any('gold.x'); none where a person starts it"
