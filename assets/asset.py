"""Assets: what should exist, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from assets.declared import Check
from assets.errors import Where
from assets.key import Reference
from assets.write import SchemaChange, Write
from lakehouse.engine import EngineName

Automation = Literal["eager", "manual"]
Gate = Literal["human", "rule"]
Function = Callable[..., object]

RETRIES = 2
"""How often an asset is tried again after an error that may pass, where its author says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAsset:
    """A Delta table that a function makes. Called, it is that function: `iris_features(frame)`."""

    key: str
    function: Function
    inputs: Mapping[str, Reference]
    where: Where
    checks: tuple[Check, ...] = ()
    write: Write = "replace"
    schema: SchemaChange = "fixed"
    engine: EngineName = "spark"
    description: str = ""
    owner: str | None = None
    group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    retries: int = RETRIES
    pool: str | None = None
    timeout: timedelta | None = None
    automation: Automation = "eager"

    def __call__(self, *args: object, **named: object) -> object:
        """Calls the function, without any platform."""
        return self.function(*args, **named)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAsset:
    """A registered model that a function trains. Called, it is that function."""

    key: str
    function: Function
    inputs: Mapping[str, Reference]
    where: Where
    gates: Mapping[str, Gate] = field(default_factory=dict)
    metric: str = "accuracy"
    higher_is_better: bool = True
    description: str = ""
    owner: str | None = None
    group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    retries: int = RETRIES
    pool: str | None = None
    timeout: timedelta | None = None
    automation: Automation = "eager"

    def __call__(self, *args: object, **named: object) -> object:
        """Calls the function, without any platform."""
        return self.function(*args, **named)


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Something that another system makes, observed and never written: CSV files in the landing folder, or a Delta table."""

    key: str
    where: Where
    files: str | None = None
    columns: tuple[str, ...] = ()
    table: str | None = None
    description: str = ""
    owner: str | None = None
    group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Reference] = field(default_factory=dict)


Made = TableAsset | ModelAsset
Asset = TableAsset | ModelAsset | External


def group_of(asset: Asset) -> str:
    """The group that an asset belongs to, which is its layer where the author gave none. (Dagster's is `default`.)"""
    return asset.group or asset.key.split(".")[0]


def kinds_of(asset: Asset) -> tuple[str, ...]:
    """What sort of thing an asset is: `external`, `model`, or `table` and the engine that writes it."""
    if isinstance(asset, External):
        return ("external",)
    return ("model",) if isinstance(asset, ModelAsset) else ("table", asset.engine)
