"""Options that several commands share."""

from typing import Annotated

import typer


def spelled(text: str) -> str:
    """What was typed, as text that can be kept: a byte that is no UTF-8 shows that there was one."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


Selection = Annotated[
    str,
    typer.Argument(
        help="Keys, names or patterns such as 'gold.*', and 'tag:', 'owner:', 'group:', 'kind:', joined by ',', 'and', 'or', "
        "'not'; '+x' adds what x is made from, 'x+' what is made from x; also sinks(), roots(), stale()."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answers in JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Makes even what is fresh.")]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="KEY@VERSION",
        help="Reads an older version of an input on purpose, such as silver.orders@3; may be given several times.",
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="How many assets are made at once; LAKELINE_JOBS, or else 2.")
]
