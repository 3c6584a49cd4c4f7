"""What Airflow's pages say of jobs and their tasks, in markdown. Pure."""

from assets.asset import Asset, TableAsset
from assets.graph import Graph
from assets.job import Job


def doc_of_job(job: Job) -> str:
    """What a DAG's page says."""
    return f"{job.description}\n\nDeclared at `{job.where}`." if job.description else f"Declared at `{job.where}`."


def doc_of_asset(graph: Graph, asset: Asset) -> str:
    """What the page of an asset's task says: what it is, what is checked, what it is made from."""
    checks = [f"- {check.name} ({check.otherwise})" for check in asset.checks] if isinstance(asset, TableAsset) else []
    read = [f"- `{reference}`" for reference in graph.inputs[asset.key].values()]
    parts = [
        f"**{asset.key}**",
        asset.description,
        "\n".join(["Checks:", "", *checks]) if checks else "",
        "\n".join(["Made from:", "", *read]) if read else "",
        f"Declared at `{asset.where}`.",
    ]
    return "\n\n".join(part for part in parts if part)


def doc_of_step(graph: Graph, selection: str, keys: tuple[str, ...]) -> str:
    """What the page of a task says that makes a selection: each asset of it."""
    told = "\n\n".join(doc_of_asset(graph, graph.assets[key]) for key in keys)
    return f"Makes what is missing or stale of `{selection}`.\n\n{told}"
