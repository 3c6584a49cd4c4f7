"""The light reader: what a store's aliases and stages say now, without importing MLflow, which takes seconds.

A server is asked by MLflow's REST API, an SQLite store is opened to read, and anything else is left to MLflow's client.
"""

import sqlite3
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from registry.errors import RegistryRefused, RegistryUnreachable
from registry.settings import RegistrySettings

STAGES: Mapping[str, str] = {"Staging": "staging", "Production": "production"}
"""MLflow's old stages, and the alias that each became."""

_BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """What a store holds of one model.

    `model_id` is the time at which it was first registered. `stages` has the newest version of each old stage.
    """

    name: str
    model_id: str
    aliases: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The version that an alias names, and the run that made it."""

    version: int
    run_id: str


def read_model(settings: RegistrySettings, name: str) -> RegisteredModel | None:
    """Aliases and stages of a model; None where the store, or the model in it, does not exist."""
    if settings.is_server:
        return _model_over_http(settings, name)
    if settings.database is not None:
        return _model_in_sqlite(settings, settings.database, name)
    return _model_by_client(settings, name)


def read_alias(settings: RegistrySettings, name: str, alias: str) -> Held | None:
    """The version that an alias of a model names now; None where there is none."""
    if settings.is_server:
        from registry import rest

        told = rest.ask(settings, "registered-models/alias", {"name": name, "alias": alias})
        return None if told is None else _held(told.get("model_version"))
    if settings.database is None:
        return _alias_by_client(settings, name, alias)
    query = (
        "SELECT v.version, coalesce(v.run_id, '') FROM registered_model_aliases a"
        " JOIN model_versions v ON v.workspace = a.workspace AND v.name = a.name AND v.version = a.version"
        " WHERE a.workspace = 'default' AND a.name = ? AND a.alias = ? AND v.current_stage <> 'Deleted_Internal'"
    )
    with _sqlite(settings, settings.database) as connection:
        row = None if connection is None else connection.execute(query, (name, alias)).fetchone()
    return None if row is None else Held(version=int(row[0]), run_id=str(row[1]))


def read_versions(settings: RegistrySettings, name: str) -> frozenset[int]:
    """The versions of a model that a store holds now; none where it does not know the model."""
    if settings.is_server:
        return frozenset(_versions_over_http(settings, name))
    if settings.database is None:
        return _versions_by_client(settings, name)
    query = (
        "SELECT version FROM model_versions"
        " WHERE workspace = 'default' AND name = ? AND current_stage <> 'Deleted_Internal'"
    )
    with _sqlite(settings, settings.database) as connection:
        rows = [] if connection is None else connection.execute(query, (name,)).fetchall()
    return frozenset(int(row[0]) for row in rows)


def _versions_over_http(settings: RegistrySettings, name: str) -> Iterator[int]:
    from registry import rest

    page: Mapping[str, str] = {}
    while True:
        quoted = name.replace("'", "''")
        told = rest.ask(settings, "model-versions/search", {"filter": f"name='{quoted}'", **page}) or {}
        try:
            versions = told.get("model_versions", [])
            yield from (int(version["version"]) for version in versions)  # type: ignore[attr-defined]
        except (KeyError, TypeError, ValueError) as error:
            raise RegistryUnreachable(settings.address, "the answer is not one of MLflow's") from error
        if not (following := told.get("next_page_token")):
            return
        page = {"page_token": str(following)}


def _versions_by_client(settings: RegistrySettings, name: str) -> frozenset[int]:
    from registry.door import opened, told

    with told(settings, f"list the versions of {name!r}"):
        client, page, found = opened(settings), None, set()
        while True:
            versions = client.search_model_versions(f"name='{name}'", page_token=page)
            found |= {int(version.version) for version in versions}
            if not (page := versions.token):
                return frozenset(found)


def _model_over_http(settings: RegistrySettings, name: str) -> RegisteredModel | None:
    from registry import rest

    told = rest.ask(settings, "registered-models/get", {"name": name})
    if told is None:
        return None
    try:
        model = told["registered_model"]
        if not isinstance(model, dict):
            raise TypeError
        stages = {v["current_stage"]: int(v["version"]) for v in model.get("latest_versions", ())}
        return RegisteredModel(
            name=name,
            model_id=str(model["creation_timestamp"]),
            aliases={a["alias"]: int(a["version"]) for a in model.get("aliases", ())},
            stages={stage: version for stage, version in stages.items() if stage in STAGES},
            tags={tag["key"]: tag.get("value", "") for tag in model.get("tags", ())},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryUnreachable(settings.address, "the answer is not one of MLflow's") from error


def _held(told: object) -> Held:
    body = told if isinstance(told, dict) else {}
    return Held(version=int(str(body.get("version"))), run_id=str(body.get("run_id") or ""))


def _model_in_sqlite(settings: RegistrySettings, database: Path, name: str) -> RegisteredModel | None:
    of_model = "WHERE workspace = 'default' AND name = ?"
    with _sqlite(settings, database) as connection:
        if connection is None:
            return None
        made = connection.execute(f"SELECT creation_time FROM registered_models {of_model}", (name,)).fetchone()
        if made is None:
            return None
        aliases = connection.execute(
            f"SELECT alias, version FROM registered_model_aliases {of_model}", (name,)
        ).fetchall()
        tags = connection.execute(f"SELECT key, value FROM registered_model_tags {of_model}", (name,)).fetchall()
        stages = connection.execute(
            f"SELECT current_stage, max(version) FROM model_versions {of_model} GROUP BY current_stage", (name,)
        ).fetchall()
    return RegisteredModel(
        name=name,
        model_id=str(made[0]),
        aliases={alias: int(version) for alias, version in aliases},
        stages={stage: int(version) for stage, version in stages if stage in STAGES},
        tags={key: value or "" for key, value in tags},
    )


@contextmanager
def _sqlite(settings: RegistrySettings, database: Path) -> Iterator[sqlite3.Connection | None]:
    """One read transaction; None where there is no database yet, or only a part of one."""
    if not database.exists():
        yield None
        return
    connection = None
    try:
        address = f"file:{urllib.parse.quote(str(database))}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.execute("BEGIN")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        yield connection if "registered_model_aliases" in tables else None
    except sqlite3.OperationalError as error:
        if "no such column" in str(error):
            wanted = "the database is of an older MLflow; 'mlflow db upgrade' brings it up to date"
            raise RegistryRefused(settings.address, "read its database", wanted) from error
        raise RegistryUnreachable(settings.address, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise RegistryRefused(settings.address, "read its database", str(error)) from error
    finally:
        if connection is not None:
            connection.close()


def _model_by_client(settings: RegistrySettings, name: str) -> RegisteredModel | None:
    from registry.door import is_missing, opened, told

    with told(settings, f"show the model {name!r}"):
        client = opened(settings)
        with is_missing() as missing:
            model = client.get_registered_model(name)
        if missing:
            return None
        stages = {str(v.current_stage): int(v.version) for v in model.latest_versions}
        return RegisteredModel(
            name=name,
            model_id=str(model.creation_timestamp),
            aliases={alias: int(version) for alias, version in model.aliases.items()},
            stages={stage: version for stage, version in stages.items() if stage in STAGES},
            tags=dict(model.tags),
        )


def _alias_by_client(settings: RegistrySettings, name: str, alias: str) -> Held | None:
    from registry.door import is_missing, opened, told

    with told(settings, f"show the alias {alias!r} of {name!r}"):
        client = opened(settings)
        with is_missing() as missing:
            version = client.get_model_version_by_alias(name, alias)
        return None if missing else Held(version=int(version.version), run_id=version.run_id or "")
