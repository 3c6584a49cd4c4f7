"""The command that keeps tables small and every version that somebody needs."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.options import AsJson, Selection
from api.cli.progress import Progress

if TYPE_CHECKING:
    from assets.tending import Tended, Upkeep
    from assets.upkeep import Kept
    from lakehouse.upkeep import Amount

_UNITS = {"h": "hours", "d": "days"}


def upkeep(
    selection: Selection = "*",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only says what would be done.")] = False,
    older_than: Annotated[
        str, typer.Option(help="How long a version stays after the next one came, for runs at work: 7d or 36h.")
    ] = "7d",
    deep: Annotated[bool, typer.Option("--deep", help="Keeps also what the inputs of models were made from.")] = False,
    as_json: AsJson = False,
) -> None:
    """Puts small files together and removes old ones; what models, tables and runs need stays readable.

    Example: lakeline upkeep --dry-run
    """
    grace = _duration(older_than)
    from assets.tending import Tender

    done = Tender.from_env(Progress(is_quiet=as_json).say).run(selection, grace=grace, deep=deep, dry_run=dry_run)
    if as_json:
        show.as_json(_plain(done, dry_run=dry_run))
    else:
        _tell(done, older_than, dry_run=dry_run)
    if not done.is_ok:
        raise typer.Exit(1)


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([hd])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration; wanted hours or days, such as 36h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _tell(done: "Upkeep", older_than: str, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    columns = ("table", "engine", f"{would}removed", f"{would}compacted", "keeps", "because")
    show.rows(columns, [row for table in done.tables for row in _rows(table, older_than)])
    for table in done.tables:
        for text in (*table.lost, table.note):
            if text:
                show.err.print(f"  note: {table.key}: {text}", style="yellow", markup=False)
        if table.error:
            show.err.print(f"  failed: {table.key}: {table.error}", style="red", markup=False)
    for model in done.let_go:
        show.err.print(
            f"  note: {model.name} v{model.version} was deleted from MLflow: what it was trained on need not stay",
            style="dim",
            markup=False,
        )
    files = sum(table.removed.files for table in done.tables)
    size = sum(table.removed.bytes for table in done.tables)
    compacted = sum(table.compacted.files for table in done.tables)
    word = "to remove" if dry_run else "removed"
    told = f"{files} files of {_size(size)} {word}, {compacted} small ones {'to put' if dry_run else 'put'} together"
    show.out.print(f"\n{told if files or compacted else 'nothing to do'}", style="dim")


def _rows(table: "Tended", older_than: str) -> Iterator[tuple[object, ...]]:
    heads: tuple[object, ...] = (table.key, table.engine or "", _amount(table.removed), _amount(table.compacted))
    for versions, why in _kept(table.kept, older_than) or [("", "")]:
        yield (*heads, versions, why)
        heads = ("", "", "", "")


def _kept(kept: "tuple[Kept, ...]", older_than: str) -> list[tuple[str, str]]:
    """Each version that somebody wants, and in one line those that only runs at work may want."""
    wanted = [(f"v{each.version}", why) for each in kept for why in each.why]
    recent = [each.version for each in kept if each.recent and not each.why]
    if recent:
        span = f"v{recent[0]}" if len(recent) == 1 else f"v{recent[0]} to v{recent[-1]}, {len(recent)} of them"
        wanted.append((span, f"newest within the last {older_than}"))
    return [
        (version if place == 0 or wanted[place - 1][0] != version else "", why)
        for place, (version, why) in enumerate(wanted)
    ]


def _amount(amount: "Amount") -> str:
    return f"{amount.files} files, {_size(amount.bytes)}" if amount.files else ""


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _plain(done: "Upkeep", *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "ok": done.is_ok,
        "let_go": [{"model": model.name, "version": model.version} for model in done.let_go],
        "tables": [
            {
                "key": table.key,
                "engine": table.engine or "",
                "removed": {"files": table.removed.files, "bytes": table.removed.bytes},
                "compacted": {"files": table.compacted.files, "bytes": table.compacted.bytes},
                "kept": [{"version": k.version, "why": k.why, "recent": k.recent} for k in table.kept],
                "lost": table.lost,
                "note": table.note,
                "error": str(table.error) if table.error else None,
            }
            for table in done.tables
        ],
    }
