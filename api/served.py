"""What a fetched model says about itself: `served.json`, beside the model's file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

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


class Column(BaseModel):
    """A value that the model takes: its type in MLflow's words, and whether training had it in every row.

    The categories of a text are in the order in which the model counts them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    type: Literal["double", "float", "long", "integer", "boolean", "string"] = "double"
    required: bool = True
    categories: tuple[str, ...] = ()


class Golden(BaseModel):
    """A few rows of the features, and what the model said of them where it was trained."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: tuple[Mapping[str, float | bool | str | None], ...]
    outputs: tuple[tuple[float, ...], ...]


class Trained(BaseModel):
    """How a version came to be, in the words of its stamp."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    asset: str = ""
    code: str = ""
    run: str = ""


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
    fields: tuple[Column, ...] = ()
    golden: Golden | None = None
    trained: Trained | None = None
    files: Mapping[str, str] = {}

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
