"""The commands that look: history, lineage and SQL, all from the log."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from api.cli import show
from api.cli.options import AsJson

if TYPE_CHECKING:
    from assets.lineage import Node, Version


def history(
    asset: Annotated[str, typer.Argument(help="The key of an asset, such as gold.iris_features.")],
    as_json: AsJson = False,
) -> None:
    """Lists the versions of an asset: when, by which run, from which versions.

    Example: lakeline history gold.iris_features
    """
    from assets.lineage import Lineage
    from lakehouse.lake import Lake

    traced = Lineage.of(Lake.from_env())
    versions = traced.versions[traced.find(asset).key]
    if as_json:
        show.as_json([_plain_version(made) for made in versions])
        return
    columns = ("version", "at", "rows", "made from", "code", "run", "checks failed")
    show.rows(columns, [_version_row(made) for made in versions])


def _plain_version(made: "Version") -> dict[str, object]:
    stamp = made.stamp
    return {
        "version": made.version,
        "at": made.at,
        "run": stamp.run if stamp else None,
        "code": stamp.code if stamp else None,
        "rows": made.rows,
        "operation": made.operation,
        "inputs": {key: read.version for key, read in stamp.inputs.items()} if stamp else {},
        "checks": [
            {"name": c.name, "otherwise": c.otherwise, "failed": c.failed, "total": c.total}
            for c in (stamp.checks if stamp else ())
        ],
    }


def _version_row(made: "Version") -> tuple[object, ...]:
    from lakehouse.taken import rejected_in

    stamp = made.stamp
    if stamp is None:
        return (show.version(made.version), made.at, made.rows, made.operation, None, "no stamp", None)
    read = [f"{key} v{read.version}" for key, read in stamp.inputs.items()]
    failed = [f"{check.failed} {check.name}" for check in stamp.checks if check.failed]
    failed += [f"{count} files set aside" for read in stamp.inputs.values() if (count := len(rejected_in(read)))]
    return (show.version(made.version), made.at, made.rows, read, stamp.code[:8], stamp.run, failed)


def lineage(
    reference: Annotated[str, typer.Argument(help="KEY, KEY@VERSION, or MODEL@ALIAS.", metavar="KEY[@VERSION|@ALIAS]")],
    as_json: AsJson = False,
) -> None:
    """Shows as a tree what a version was made from, down to the landed files, and what was made from it.

    Example: lakeline lineage models.iris_xgboost_classifier@production
    """
    from assets.lineage import Lineage
    from assets.tracing import found_version
    from lakehouse.lake import Lake
    from registry.models import Models

    lake = Lake.from_env()
    traced = Lineage.of(lake)
    made = found_version(traced, Models.from_env(lake), reference)
    up, down = traced.upstream(made), traced.downstream(made)
    if as_json:
        show.as_json({"upstream": _plain(up), "downstream": _plain(down)})
        return
    show.whole(_grown(up, Tree(Text.assemble((_told(up), "bold"), "  made from"))))
    if down.next:
        show.whole(_grown(down, Tree(Text("and went into", "bold")), with_files=False))


def sql(query: Annotated[str, typer.Argument(help="DuckDB's SQL.")], as_json: AsJson = False) -> None:
    """Asks the lake in SQL: each table is a view, and the log is lakeline.history, .stamps, .lineage and .at(key, version).

    Example: lakeline sql "select * from lakeline.at('gold.iris_features', 0) limit 3"
    """
    from lakehouse.lake import Lake

    lake = Lake.from_env(lambda line: show.err.print(f"note: {line}", markup=False))
    try:
        answer = lake.query(query)
    except KeyboardInterrupt:
        show.err.print("interrupted", style="red")
        raise typer.Exit(1) from None
    if as_json:
        show.as_json(answer.to_pylist())
        return
    show.rows(answer.column_names, [tuple(row.values()) for row in answer.to_pylist()])
    show.out.print(f"\n{answer.num_rows} rows", style="dim")


def _told(node: "Node") -> str:
    chosen = f" (as {node.alias})" if node.alias else ""
    if node.made is None:
        return f"{node.key} v{node.version}{chosen}"
    run = f"  {node.made.stamp.run}" if node.made.stamp else "  not made by a run"
    return f"{node.key} v{node.version}{chosen}  {node.made.at:%Y-%m-%d %H:%M:%S}{run}"


def _grown(node: "Node", tree: Tree, *, with_files: bool = True) -> Tree:
    for following in node.next:
        _grown(following, tree.add(Text(_told(following))), with_files=with_files)
    for file in node.made.files if node.made and with_files else ():
        tree.add(Text(f"file {file.name}  {file.content[:12]}"))
    return tree


def _plain(node: "Node") -> dict[str, object]:
    made = node.made
    return {
        "key": node.key,
        "version": node.version,
        "alias": node.alias,
        "table": made.table.table_id if made else None,
        "at": made.at if made else None,
        "run": made.stamp.run if made and made.stamp else None,
        "code": made.stamp.code if made and made.stamp else None,
        "files": [{"name": f.name, "content": f.content} for f in made.files] if made else [],
        "next": [_plain(following) for following in node.next],
    }
