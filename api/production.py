"""The model that an alias names, asked here: by a server that follows the alias, or once."""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from api.canary import Ended
from api.errors import BadRow, ModelUnclear, NoVersionNamed
from api.fetch import ChildFetch
from api.hint.settings import HintSettings
from api.log.settings import LogSettings
from api.predictor import load
from api.served import Target
from api.settings import ApiSettings
from api.shelf import Shelf
from assets.asset import ModelAsset
from assets.catalog import load as load_graph
from lakehouse.lake import Lake
from observability.log import start_log
from registry.aliases import read_alias
from registry.ended import journal_end
from registry.journal import Event
from registry.models import Models
from registry.settings import RegistrySettings

_log = logging.getLogger(__name__)

FLUSHER = (sys.executable, "-P", "-m", "api.log.flush")


@dataclass(slots=True)
class AliasReader:
    """Asks the registry for the version that an alias names, and has moves made outside journaled.

    The journal is read only when the alias was seen to move: a poll that finds nothing new costs one small query.
    """

    registry: RegistrySettings
    name: str
    alias: str
    journal_moves: Callable[[], object]
    _seen: Target | None = field(default=None, init=False)
    _is_journaled: bool = field(default=False, init=False)

    def __call__(self) -> Target | None:
        """The version that the alias names now."""
        held = read_alias(self.registry, self.name, self.alias)
        found = None if held is None else Target(version=held.version, run_id=held.run_id)
        if found != self._seen:
            self._seen, self._is_journaled = found, False
        return found

    def journal(self) -> None:
        """Journals what was moved outside, once for each move."""
        if not self._is_journaled:
            self.journal_moves()
            self._is_journaled = True


def readers(settings: ApiSettings) -> dict[str, AliasReader]:
    """Who asks the registry of the environment, for each alias that is followed."""
    registry = RegistrySettings.from_env()
    models = Models(registry, Lake.from_env())
    return {
        alias: AliasReader(registry, settings.serve_model, alias, models.notice_outside_moves)
        for alias in settings.aliases
    }


def journal_of_ends(settings: ApiSettings) -> Callable[[Ended], Event | None]:
    """What journals the end of a canary of the served model, in the lake of the environment."""
    lake = Lake.from_env()

    def journal(end: Ended) -> Event | None:
        why = f"as the canary of {settings.serve_canary_alias}: {end.why}"
        return journal_end(lake, settings.serve_model, end.target.version, run_id=end.target.run_id, at=end.at, why=why)

    return journal


def serve_production(settings: ApiSettings, *, started: Callable[[str], None]) -> None:
    """Serves the versions that the aliases of the settings name, until a signal ends it."""
    from api.server import serve

    # A wrong setting of what a child reads is told here, and not by the child over and over.
    readers(settings)
    is_heard = bool(HintSettings.from_env().secrets)
    start_log(style=settings.log_format)
    if is_heard:
        _log.info("webhooks of MLflow are heard at /webhooks/mlflow")
    serve(settings, flusher=FLUSHER if LogSettings.from_env().predictions else None, started=started)


def predict_once(fields: Sequence[str], *, model: str | None, alias: str) -> dict[str, object]:
    """What the version under an alias says of one row, and where that version comes from."""
    row = _row(fields)
    settings = serving_settings(model)
    held = read_alias(RegistrySettings.from_env(), settings.serve_model, alias)
    if held is None:
        raise NoVersionNamed(settings.serve_model, alias)
    target = Target(version=held.version, run_id=held.run_id)
    fetch = ChildFetch(settings.serve_model, timeout_seconds=settings.serve_fetch_seconds)
    predictor = load(Shelf(settings.folder).bring(target, fetch))
    value = json.loads(predictor.answer(json.dumps(row).encode()))["prediction"]
    card = predictor.card
    named = {"class": card.classes[value]} if card.classes and isinstance(value, int) else {}
    return {
        "prediction": value,
        **named,
        "model": card.name,
        "version": card.version,
        "run": card.run_id,
        "inputs": {key: read.version for key, read in card.inputs.items()},
    }


def serving_settings(model: str | None, **given: object) -> ApiSettings:
    """The settings of this process, for the model that is named; else for the only one that is defined."""
    settings = ApiSettings.from_env(serve_model=model, **given)
    if "serve_model" in settings.model_fields_set:
        return settings
    defined = tuple(key.split(".")[1] for key, asset in load_graph().assets.items() if isinstance(asset, ModelAsset))
    if len(defined) != 1:
        raise ModelUnclear(defined)
    return ApiSettings.from_env(serve_model=defined[0], **given)


def _row(fields: Sequence[str]) -> dict[str, object]:
    row: dict[str, object] = {}
    for told in fields:
        name, is_given, text = told.partition("=")
        if not name or not is_given:
            raise BadRow(told, "wanted FIELD=NUMBER")
        if name in row:
            raise BadRow(told, "the field is given twice")
        try:
            row[name] = float(text)
        except ValueError as error:
            raise BadRow(told, "wanted a number after '='") from error
    return row
