"""Delta logs written by hand, where a real writer would take too long or cannot be made to write them."""

import json
from collections.abc import Mapping
from pathlib import Path

AT = 1_700_000_000_000
SCHEMA = {"type": "struct", "fields": [{"name": "x", "type": "long", "nullable": True, "metadata": {}}]}

Action = Mapping[str, object]


def commit(path: Path, version: int, *actions: Action) -> Path:
    """Writes a commit of some actions."""
    file = path / "_delta_log" / f"{version:020}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(action, separators=(',', ':'))}\n" for action in actions))
    return file


def info(operation: str = "WRITE", at: int = AT, metadata: str | None = None, **parameters: object) -> Action:
    told: dict[str, object] = {"timestamp": at, "operation": operation, "operationParameters": parameters}
    return {"commitInfo": told if metadata is None else told | {"userMetadata": metadata}}


def described(table_id: str = "t", schema: Mapping[str, object] = SCHEMA, **configuration: str) -> Action:
    return {"metaData": {"id": table_id, "schemaString": json.dumps(schema), "configuration": configuration}}


def added(path: str, rows: int, vector: str | None = None, hidden: int = 0, *, changes: bool = True) -> Action:
    body: dict[str, object] = {"path": path, "dataChange": changes, "stats": json.dumps({"numRecords": rows})}
    return {"add": body | _vector(vector, hidden)}


def removed(path: str, vector: str | None = None, hidden: int = 0, *, changes: bool = True) -> Action:
    return {"remove": {"path": path, "dataChange": changes} | _vector(vector, hidden)}


def _vector(vector: str | None, hidden: int) -> dict[str, object]:
    if vector is None:
        return {}
    return {"deletionVector": {"storageType": "u", "pathOrInlineDv": vector, "offset": 1, "cardinality": hidden}}
