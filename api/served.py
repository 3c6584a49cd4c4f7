"""What a fetched model says about itself: `served.json`, beside the model's file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import ModelBroken

CARD = "served.json"


class Target(BaseModel):
    """Which version of a model is wanted.

    The run tells two versions of one number apart, where a registry was made anew.
    """

    model_config = ConfigDict(frozen=True)

    version: int
    run_id: str = ""


class Input(BaseModel):
    """A table's version that a model was trained on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    table: str = ""
    version: int


class ModelCard(BaseModel):
    """What a fetched model says about itself; `features` in the model's own order."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    name: str
    version: int
    run_id: str
    flavor: str
    model_file: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    derived: Mapping[str, str] = {}
    inputs: Mapping[str, Input] = {}
    objective: str | None = None
    classes: tuple[str, ...] = ()
    example: Mapping[str, object] | None = None

    @property
    def target(self) -> Target:
        """The version that this is."""
        return Target(version=self.version, run_id=self.run_id)

    @property
    def read_from(self) -> str:
        """The tables it was trained on, as `gold.iris_features@3`, separated by commas."""
        return ",".join(f"{key.partition('@')[0]}@{self.inputs[key].version}" for key in sorted(self.inputs))


def read_card(folder: Path) -> ModelCard:
    """The card of the model in a folder."""
    try:
        body = json.loads((folder / CARD).read_bytes())
        if isinstance(body, dict) and isinstance(body.get("example"), list):
            body["example"] = body["example"][0] if body["example"] else None
        return ModelCard.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ModelBroken(f"{CARD} is not understood at {place!r}: {first['msg'].lower()}") from error
    except (OSError, ValueError) as error:
        raise ModelBroken(f"{CARD} cannot be read: {error}") from error
