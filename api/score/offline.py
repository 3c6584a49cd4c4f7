"""A version of a model, asked without a server: for one row, or for all rows of a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.errors import BadRow, InputRefused, NoVersionNamed
from api.fetch import ChildFetch
from api.predictor import Predictor, load
from api.production import serving_settings
from api.schemas import Value
from api.score.score import predict_file
from api.score.source import form_of
from api.score.texts import typed
from api.served import Column, ModelCard, Target
from api.shelf import Shelf
from lakehouse.errors import NotReadable
from lakehouse.lake import Lake
from registry.aliases import read_alias, read_versions
from registry.errors import UnknownVersion
from registry.models import Models
from registry.settings import RegistrySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which version of which model is asked; without a name, the only model that is defined."""

    model: str | None = None
    alias: str = "production"
    version: int | None = None


def predict_row(fields: Sequence[str], choice: Choice) -> dict[str, object]:
    """What the chosen version says of one row, and where that version comes from."""
    texts = _texts(fields)
    predictor = chosen(choice)
    values = {name: _value(predictor, name, text) for name, text in texts.items()}
    value = predictor.predict(predictor.schema.read(json.dumps(values).encode()))
    classes = predictor.card.classes
    named = {"class": classes[value]} if classes and isinstance(value, int) else {}
    return {"prediction": value, **named, **_lineage(predictor.card)}


def predict_rows(source: Path, to: Path, choice: Choice) -> dict[str, object]:
    """Writes what the chosen version says of each row of a file; how many there were, and where the version comes from."""
    form_of(to)  # what can be refused at once is not refused after a model was fetched
    if not source.is_file():
        raise NotReadable(str(source), "there is no such file")
    predictor = chosen(choice)
    return {"rows": predict_file(predictor, source, to), "to": str(to), **_lineage(predictor.card)}


def chosen(choice: Choice) -> Predictor:
    """The chosen version, loaded; fetched where it is not on this machine yet."""
    settings, registry = serving_settings(choice.model), RegistrySettings.from_env()
    name = settings.serve_model
    target = (
        _named(registry, name, choice.alias) if choice.version is None else _numbered(registry, name, choice.version)
    )
    return load(Shelf(settings.folder).bring(target, ChildFetch(name, timeout_seconds=settings.serve_fetch_seconds)))


def _named(registry: RegistrySettings, name: str, alias: str) -> Target:
    held = read_alias(registry, name, alias)
    if held is None:
        raise NoVersionNamed(name, alias)
    return Target(version=held.version, run_id=held.run_id)


def _numbered(registry: RegistrySettings, name: str, version: int) -> Target:
    known = read_versions(registry, name)
    if version not in known:
        raise UnknownVersion(name, version, tuple(sorted(known)), f"MLflow at {registry.address!r}")
    journaled = Models(registry, Lake.from_env()).versions(name)
    # One that was registered elsewhere is in no journal, and is known by its number alone.
    run_id = next((found.run_id for found in journaled if found.version == version), "")
    return Target(version=version, run_id=run_id)


def _lineage(card: ModelCard) -> dict[str, object]:
    return {
        "model": card.name,
        "version": card.version,
        "run": card.run_id,
        "inputs": {key: read.version for key, read in card.inputs.items()},
    }


def _texts(fields: Sequence[str]) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for told in fields:
        name, is_given, text = told.partition("=")
        if not name or not is_given:
            raise BadRow(told, "wanted FIELD=VALUE, or a file and '--to'")
        if name in texts:
            raise BadRow(told, "the field is given twice")
        texts[name] = text
    return texts


def _value(predictor: Predictor, name: str, text: str) -> Value:
    """A text as a value of the field's type; one of no field is left for the schema to refuse."""
    import pyarrow as pa

    column = next((column for column in predictor.schema.columns if column.name == name), Column(name=name))
    try:
        (value,) = typed(column, pa.array([text or None], pa.string())).to_pylist()
    except InputRefused as error:
        raise BadRow(f"{name}={text}", error.faults[0].reason) from error
    return value  # type: ignore[no-any-return]
