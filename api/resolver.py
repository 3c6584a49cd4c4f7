"""`python -m api.resolver PIPE FOLDER`: the one process that asks the registry, and places what the workers serve."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from api.fetch import ChildFetch
from api.follow import Follower
from api.hint.bell import Bell
from api.judge import Judge
from api.parent import when_parent_ends
from api.served import Target
from api.settings import ApiSettings
from api.shelf import Shelf
from lakehouse.errors import PlatformError
from observability.log import start_log

_END_SECONDS = 10.0


class Runs(Protocol):
    """What runs in a thread of its own until it is stopped."""

    def run(self) -> None:
        """Runs until it is stopped."""
        ...

    def stop(self) -> None:
        """Ends it."""
        ...


def resolve(
    settings: ApiSettings,
    pipe: int,
    *,
    named: Mapping[str, Callable[[], Target | None]],
    fetch: Callable[[Target, Path, Callable[[], bool]], None] | None = None,
    on_poll: Callable[[], object] | None = None,
    also: Sequence[Runs] = (),
    rung: Callable[[], int | None] = lambda: None,
) -> None:
    """Follows aliases until a signal, or the end of the supervisor; `named` says what each names.

    `on_poll` is called after each question for the first of them; `also` runs beside. `rung` tells when somebody hinted
    at a change last.
    """
    child = ChildFetch(settings.serve_model, timeout_seconds=settings.serve_fetch_seconds)
    shelf = Shelf(settings.folder)
    runs: list[Runs] = [
        Follower(
            shelf,
            settings.placed(alias),
            followed=f"{settings.serve_model}@{alias}",
            named=ask,
            fetch=fetch or child,
            poll_seconds=settings.serve_poll_seconds,
            on_poll=on_poll if position == 0 else None,
            rung=rung,
        )
        for position, (alias, ask) in enumerate(named.items())
    ]
    runs += also

    def stop(number: int = 0, frame: FrameType | None = None) -> None:
        child.stop()
        for each in runs:
            each.stop()

    def end() -> None:
        stop()
        time.sleep(_END_SECONDS)
        os._exit(1)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    when_parent_ends(pipe, end)
    threads = [threading.Thread(target=each.run, name=type(each).__name__, daemon=True) for each in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # a signal's handler runs between two of these


def main(arguments: list[str]) -> None:
    """Follows what the settings name, in the registry of the environment."""
    from api.production import journal_of_ends, readers

    pipe, folder = int(arguments[0]), Path(arguments[1])
    try:
        settings = ApiSettings.from_env()
        start_log(style=settings.log_format)
        asked = readers(settings)
        judge, journal = Judge(settings, folder, journal_of_ends(settings)), asked[settings.serve_alias].journal
        resolve(settings, pipe, named=asked, on_poll=journal, also=(judge,), rung=Bell(folder).rung)
    except PlatformError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
