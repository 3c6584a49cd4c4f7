"""A lake read as any other program would: the JSON of the Delta log, and DuckDB with its extension for Delta."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCommit:
    """One file of a log: what it says in `userMetadata`, and how many rows the live files have after it."""

    table: str
    location: Path
    version: int
    table_id: str
    rows: int
    added: int
    metadata: dict[str, object]

    @property
    def asset(self) -> str:
        return str(self.metadata["asset"])

    @property
    def inputs(self) -> dict[str, dict[str, object]]:
        found = self.metadata.get("inputs", {})
        assert isinstance(found, dict)
        return found

    @property
    def journal(self) -> dict[str, object]:
        found = self.metadata.get("journal", {})
        assert isinstance(found, dict)
        return found

    @property
    def published(self) -> int:
        """The number that a person names: a model's own, or the table's."""
        return int(str(self.journal.get("version", self.version)))

    @property
    def published_id(self) -> str:
        return str(self.journal.get("model_id", self.table_id))

    @property
    def stamp(self) -> dict[str, object]:
        return {name: value for name, value in self.metadata.items() if name != "journal"}


def commits(root: Path) -> tuple[RawCommit, ...]:
    """Every commit of every table, each table's in order."""
    logs = sorted(root.rglob("_delta_log"))
    return tuple(commit for log in logs for commit in _commits(root, log))


def made(root: Path) -> tuple[RawCommit, ...]:
    """The commits that made a version of an asset from others."""
    return tuple(commit for commit in commits(root) if commit.inputs)


def read(location: Path, version: int) -> pa.Table:
    """A table at a version."""
    import duckdb

    spec = find_spec("duckdb_extension_delta")
    assert spec is not None and spec.submodule_search_locations is not None
    extension = next(Path(spec.submodule_search_locations[0]).rglob("delta.duckdb_extension"))
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension}'")
        return connection.sql(f"FROM delta_scan('{location}', version => {version})").to_arrow_table()


def _commits(root: Path, log: Path) -> Iterator[RawCommit]:
    table_id = ""
    live: dict[str, int] = {}
    for file in sorted(log.glob("*.json")):
        actions = [json.loads(line) for line in file.read_text().splitlines()]
        metadata: dict[str, object] = {}
        added = 0
        for action in actions:
            if "metaData" in action:
                table_id = action["metaData"]["id"]
            if "commitInfo" in action:
                metadata = json.loads(action["commitInfo"].get("userMetadata", "{}"))
            if "add" in action:
                live[action["add"]["path"]] = json.loads(action["add"]["stats"])["numRecords"]
                added += 1
        # An overwrite may tell of what it removes after what it adds.
        for action in actions:
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
        yield RawCommit(
            table=".".join(log.parent.relative_to(root).parts),
            location=log.parent,
            version=int(file.stem),
            table_id=table_id,
            rows=sum(live.values()),
            added=added,
            metadata=metadata,
        )
