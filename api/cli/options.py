"""Options that several commands share."""

from typing import Annotated

import typer

Selection = Annotated[
    str,
    typer.Argument(
        help="Keys, names or patterns such as 'gold.*', and 'tag:', 'owner:', 'group:', 'kind:', joined by ',', 'and', 'or', "
        "'not'; '+x' adds what x is made from, 'x+' what is made from x; also sinks(), roots(), stale()."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answers in JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Makes even what is fresh.")]
