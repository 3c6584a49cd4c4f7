"""The model that an alias names, asked by a server that follows the alias."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from api.canary import Ended
from api.errors import ModelUnclear
from api.hint.settings import HintSettings
from api.log.settings import LogSettings
from api.served import Target
from api.settings import ApiSettings
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


def serving_settings(model: str | None, **given: object) -> ApiSettings:
    """The settings of this process, for the model that is named; else for the only one that is defined."""
    settings = ApiSettings.from_env(serve_model=model, **given)
    if "serve_model" in settings.model_fields_set:
        return settings
    defined = tuple(key.split(".")[1] for key, asset in load_graph().assets.items() if isinstance(asset, ModelAsset))
    if len(defined) != 1:
        raise ModelUnclear(defined)
    return ApiSettings.from_env(serve_model=defined[0], **given)
