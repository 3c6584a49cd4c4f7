"""Shows values to a person as tables, or to a program as JSON."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

out = Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

STYLES = {
    "FRESH": "green",
    "MISSING": "yellow",
    "STALE": "yellow",
    "BLOCKED": "magenta",
    "made": "green",
    "adopted": "green",
    "fresh": "dim",
    "blocked": "magenta",
    "failed": "bold red",
    "skipped": "red",
    "interrupted": "red",
    "left": "red",
}


def rows(columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """A table for people."""
    table = Table(
        box=None, pad_edge=False, header_style="bold", show_edge=False, show_header=any(columns), padding=(0, 2, 0, 0)
    )
    for place, column in enumerate(columns):
        # The first column names the row, and half a name is none.
        table.add_column(column, no_wrap=place == 0, overflow="ignore" if place == 0 else "fold")
    for row in values:
        table.add_row(*(Text(told(value), style=STYLES.get(str(value), "")) for value in row))
    whole(table)


def whole(shown: Table | Tree) -> None:
    """A table or a tree as wide as the terminal; a file or a pipe has no width, and gets every line whole."""
    if sys.stdout.isatty():
        out.print(shown)
        return
    wide = Console(width=10_000, highlight=False, emoji=False, color_system=None)
    with wide.capture() as captured:
        wide.print(shown)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def as_json(value: object) -> None:
    """JSON for programs, one document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n")


def told(value: object) -> str:
    """One cell: nothing for what is absent, times to the second in UTC."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return "; ".join(map(told, value))
    return str(value)


def version(number: int | None) -> str:
    """A version as people write it."""
    return "-" if number is None else f"v{number}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
