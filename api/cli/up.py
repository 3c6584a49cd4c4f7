"""`lakeline up` and `lakeline down`: the whole platform on this machine."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show

if TYPE_CHECKING:
    from api.local.parts import Platform


def up(
    only: Annotated[
        str | None, typer.Option(help="Parts alone, such as airflow,spark; the others are mlflow and api.")
    ] = None,
) -> None:
    """Starts Airflow, MLflow, Spark and the API on 127.0.0.1 and stays with them; Ctrl-C or 'lakeline down' ends them.

    Example: lakeline up
    """
    from api.local.up import Told
    from api.local.up import up as run

    with _status() as status:
        other = run(only, Told(report=_say, opened=_show, status=status))
    if other is not None:
        _addresses(other.addresses)
        show.out.print(f"it runs already, by process {other.pid}; 'lakeline down' ends it")


def down(
    now: Annotated[bool, typer.Option("--now", help="Waits for no task; it runs again at the next start.")] = False,
) -> None:
    """Ends what 'lakeline up' started, also where that was killed; running tasks are waited for.

    Example: lakeline down
    """
    from api.local.down import down as end

    show.out.print("all has ended" if end(at_once=now, report=_say) else "nothing was running")


def _say(line: str) -> None:
    with suppress(OSError):  # whoever closed the terminal still wants an end in order
        show.err.print(f"  {line}", style="dim", markup=False)


def _show(platform: "Platform") -> None:
    from api.local.airflow import credentials, is_ours_to_enter
    from api.local.credentials import USER

    addresses = dict(platform.addresses)
    if platform.spark is not None:
        addresses["Spark"] = str(platform.spark.address())
    _addresses(addresses)
    if platform.airflow is not None and is_ours_to_enter(platform.airflow):
        secret = credentials(platform.airflow)
        show.out.print(f"Airflow's user is {USER}, the password {secret.password} (kept in {secret.passwords_file})")
    if platform.airflow is not None:
        show.out.print(f"'. {platform.airflow.for_shells}' lets the commands of 'airflow' see it")
    show.out.print("ready; Ctrl-C here or 'lakeline down' elsewhere ends it")


def _addresses(addresses: Mapping[str, str]) -> None:
    show.rows(("", ""), list(addresses.items()))


class _Line:
    """The one line that says how the platform is: again in its place at a terminal, else whenever it says something new."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, line: str) -> None:
        if line != self._last:
            _say(line)
        self._last = line


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    if not sys.stderr.isatty():
        yield _Line()
        return
    with show.err.status("") as shown:
        yield shown.update
