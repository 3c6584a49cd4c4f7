"""The commands about checks: what they found in each version, what they kept back, and back with it once it is mended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.options import AsJson, spelled

if TYPE_CHECKING:
    from lakehouse.history import Commit
    from lakehouse.lake import Lake

Key = Annotated[
    str, typer.Argument(metavar="ASSET", help="The key of an asset, such as silver.iris_clean, or its name.")
]


def checks(asset: Key, as_json: AsJson = False) -> None:
    """Lists what each check found in each version of an asset, newest last.

    Example: lakeline checks silver.iris_clean
    """
    from lakehouse.lake import Lake

    lake = Lake.from_env()
    commits = [commit for commit in _history(lake, _key(lake, asset)) if commit.stamp and commit.stamp.checks]
    if as_json:
        show.as_json([_plain(commit) for commit in commits])
        return
    columns = ("version", "at", "check", "otherwise", "failed", "of", "measured", "run")
    rows = [
        (show.version(c.version), c.at, r.name, r.otherwise, r.failed, r.total, r.measured, c.stamp.run)
        for c in commits
        if c.stamp
        for r in c.stamp.checks
    ]
    show.rows(columns, rows)


def quarantine(
    asset: Key,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many rows are shown.")] = 20,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Writes all rows to a new file, .csv or .parquet.")
    ] = None,
    release: Annotated[
        Path | None, typer.Option("--release", metavar="FILE", help="Sends the mended rows of a file back in.")
    ] = None,
    why: Annotated[
        str, typer.Option("--why", help="What was mended; kept in the stamp of the release.", callback=spelled)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Shows the rows that an asset's checks kept back; writes them to a file to be mended, and takes them back from it.

    A mended row is known by its row_id, and goes through the same checks. Example: lakeline quarantine silver.iris_clean
    --to mend.csv, and once it is mended: lakeline quarantine silver.iris_clean --release mend.csv --why "typing errors"
    """
    if release is not None and (to is not None or not why.strip()):
        wrong = "not together with --to" if to is not None else "and needs --why: what was mended?"
        raise typer.BadParameter(f"--release stands {wrong}")
    if release is not None:
        _release(asset, release, why.strip(), as_json=as_json)
    else:
        _show(asset, limit, to, as_json=as_json)


def _show(asset: str, limit: int, to: Path | None, *, as_json: bool) -> None:
    from assets.quarantine import kept_back, key_of
    from lakehouse.exchange import write_rows
    from lakehouse.lake import Lake

    lake = Lake.from_env()
    asset = _key(lake, asset)
    rows = kept_back(lake, asset)
    if not rows.column_names:
        _history(lake, asset)  # an asset of which nothing was kept back, or one that does not exist
    if to is not None:
        write_rows(rows, to)
        show.out.print(f"{rows.num_rows} rows of {key_of(asset)} are in {to}", markup=False)
        return
    shown = rows.slice(0, limit).to_pylist()
    if as_json:
        show.as_json({"asset": asset, "rows": rows.num_rows, "shown": shown})
        return
    if shown:
        show.rows(rows.column_names, [tuple(row.values()) for row in shown])
    more = f", {rows.num_rows - len(shown)} more with --limit" if rows.num_rows > len(shown) else ""
    show.out.print(f"{rows.num_rows} rows are kept back from {asset}{more}", style="dim", markup=False)


def _release(asset: str, file: Path, why: str, *, as_json: bool) -> None:
    from assets import catalog
    from assets.release import released
    from lakehouse.exchange import read_rows
    from lakehouse.lake import Lake
    from registry.models import Models

    lake = Lake.from_env(lambda line: show.err.print(line, style="dim", markup=False))
    asset = _key(lake, asset)
    done = released(lake, Models.from_env(lake), catalog.load(), asset, lambda like: read_rows(file, like), why)
    if as_json:
        plain = {"version": done.version, "released": done.released, "stays": done.stays, "unknown": done.unknown}
        show.as_json({"asset": asset, **plain})
    else:
        version = f", in version {done.version}" if done.version is not None else ""
        show.out.print(f"{done.released} rows were released to {asset}{version}", markup=False)
        for row, failed in done.stays.items():
            show.out.print(f"{row} stays: it fails {failed}", style="yellow", markup=False)
        for row in done.unknown:
            show.out.print(f"{row} is not kept back; it was released before, or is gone", style="dim", markup=False)
    if done.stays:
        raise typer.Exit(1)


def _key(lake: "Lake", asset: str) -> str:
    from assets.key import full_key
    from lakehouse.lake import QUARANTINE

    return asset if "." in asset else full_key(asset, (key for key in lake.tables() if not key.startswith(QUARANTINE)))


def _history(lake: "Lake", asset: str) -> "tuple[Commit, ...]":
    from assets.errors import UnknownVersion
    from assets.key import nearest
    from lakehouse.lake import QUARANTINE

    commits = lake.history(asset)
    if not commits:
        raise UnknownVersion(
            asset, None, (), nearest(asset, [key for key in lake.tables() if not key.startswith(QUARANTINE)])
        )
    return commits


def _plain(commit: "Commit") -> dict[str, object]:
    from dataclasses import asdict

    stamp = commit.stamp
    return {
        "version": commit.version,
        "at": commit.at,
        "run": stamp.run if stamp else None,
        "sequence": stamp.sequence if stamp else None,
        "checks": [asdict(result) for result in (stamp.checks if stamp else ())],
        **({"released": stamp.extra["released"]} if stamp and "released" in stamp.extra else {}),
    }
