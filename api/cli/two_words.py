"""Commands of two words, such as `run show`, beside a command that is the first of them."""

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Command, Context  # typer's own copy of click, which has no public name


class TwoWords(TyperGroup):
    """Takes the first two words for a command where there is one of that name; `run show` is then no `run` of `show`."""

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, Command | None, list[str]]":
        """The command that the words begin with, and the words after it."""
        name = " ".join(args[:2])
        found = self.get_command(ctx, name) if len(args) > 1 else None
        return super().resolve_command(ctx, args) if found is None else (name, found, args[2:])
