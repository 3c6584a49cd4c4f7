"""The steps of a job, as values; and what an author can get wrong about one, told where its job is declared."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from assets import options
from assets.errors import BadOption, Where

By = Literal["asset", "step"]
Alias = Literal["candidate", "staging", "production"]
Gated = Literal["staging", "production"]


@dataclass(frozen=True, slots=True)
class Materialize:
    """Makes what is missing or stale of a selection: one task `by="asset"` for each, or one for the whole `"step"`.

    A job that makes assets owns them, and no other job may. With `owns=False` it only sees to it that they are fresh.
    `name` is the task's name where there is one task.
    """

    selection: str
    by: By = "asset"
    name: str | None = None
    owns: bool = True


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Waits until a version of a model has an alias, asking every `poll`, and fails after `timeout`.

    The time counts from when this step begins, however long those before it took. It looks at once, and once more at the end.
    """

    model: str
    alias: Alias
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
    alias: Alias = "production"
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Tend:
    """Puts the small files of tables together, and removes those that nobody needs and that were replaced before `older_than`.

    Beside what a selection names, it may be a table of Lakeline's own, such as `ops.prediction_log`.
    """

    selection: str
    older_than: timedelta = timedelta(days=7)
    name: str | None = None


Step = Materialize | WaitFor | Approve | Check | Tend


def check_step(where: Where, job: str, step: object) -> None:
    """Refuses what is no step, and an option that nothing can be done with."""
    of = f" of {type(step).__name__} in the job {job!r}"
    if not isinstance(step, Step):
        wanted = " or ".join(f"{kind.__name__}(...)" for kind in get_args(Step))
        raise BadOption(where, f"a step of the job {job!r}", options.shown(step), wanted)
    if step.name is not None:
        options.check_name(where, f"name{of}", step.name)
    match step:
        case Materialize():
            options.check_text(where, f"selection{of}", step.selection, "'gold.*'")
            options.check_one_of(where, f"by{of}", step.by, get_args(By))
            options.check_one_of(where, f"owns{of}", step.owns, (True, False))
        case WaitFor():
            options.check_text(where, f"model{of}", step.model, "'models.x'")
            options.check_one_of(where, f"alias{of}", step.alias, get_args(Alias))
            options.check_duration(where, "poll", step.poll, of)
            options.check_duration(where, "timeout", step.timeout, of)
        case Approve():
            options.check_text(where, f"model{of}", step.model, "'models.x'")
            options.check_one_of(where, f"alias{of}", step.alias, get_args(Gated))
            options.check_duration(where, "remind", step.remind, of)
            _check_shown(where, f"shown{of}", step.shown)
        case Check():
            options.check_text(where, f"table{of}", step.table, "'gold.x'")
            options.check_text(where, f"model{of}", step.model, "'models.x'")
            options.check_one_of(where, f"alias{of}", step.alias, get_args(Alias))
        case Tend():
            options.check_text(where, f"selection{of}", step.selection, "'ops.prediction_log'")
            options.check_duration(where, "older_than", step.older_than, of)


def _check_shown(where: Where, option: str, found: object) -> None:
    """Refuses what cannot be predictions. Whether their table has the columns is known once it is made."""
    if found is None:
        return
    wanted = "Predictions(table='gold.x', of='predicted', by='id'), with two columns of the table"
    if not isinstance(found, Predictions) or found.of == found.by:
        raise BadOption(where, option, options.shown(found), wanted)
    for name, given in (("table", found.table), ("of", found.of), ("by", found.by)):
        options.check_text(where, f"{name} of {option}", given, "'gold.x'" if name == "table" else "'a column'")
