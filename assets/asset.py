"""Assets: what should exist, as values; and the words with which an author declares them."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from assets.declared import Check, Checks, declared
from assets.errors import BadOption, Where
from assets.key import Reference, checked_key
from assets.write import SchemaChange, Write, check_write
from lakehouse.engine import EngineName

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


def asset(  # noqa: PLR0913 (each is an option that an author may give)
    key: str,
    *,
    inputs: Mapping[str, str] | None = None,
    checks: Checks = (),
    write: Write = "replace",
    schema: SchemaChange = "fixed",
    engine: EngineName = "spark",
    owner: str | None = None,
    group: str | None = None,
    tags: Mapping[str, str] | None = None,
    code: str | None = None,
    retries: int = RETRIES,
) -> Callable[[Function], TableAsset]:
    """Declares the table that the decorated function makes of its inputs.

    A parameter without an entry in `inputs` reads the asset of the parameter's own name. `write="append"` adds the returned
    rows to the table, `"replace"` puts them in place of all others, `merge(...)` updates by key. A table that is added to keeps
    its columns, unless `schema="evolve"` lets it grow. `code` is the code version, where the author keeps it. `retries` says
    how often it is tried again after an error that may pass.
    """

    def declare(function: Function) -> TableAsset:
        where = _where(function)
        check_write(where, write, schema)
        _one_of(where, "engine", engine, get_args(EngineName))
        return TableAsset(
            key=checked_key(key, where),
            function=function,
            inputs=_inputs(function, where, inputs or {}),
            where=where,
            checks=declared(checks, key, where, write),
            write=write,
            schema=schema,
            engine=engine,
            description=inspect.getdoc(function) or "",
            owner=owner,
            group=group,
            tags=dict(tags or {}),
            code=code,
            retries=_not_negative(where, retries),
        )

    return declare


def model(
    key: str,
    *,
    inputs: Mapping[str, str] | None = None,
    gates: Mapping[str, Gate] | None = None,
    metric: str = "accuracy",
    higher_is_better: bool = True,
    owner: str | None = None,
    group: str | None = None,
    tags: Mapping[str, str] | None = None,
    code: str | None = None,
    retries: int = RETRIES,
) -> Callable[[Function], ModelAsset]:
    """Declares the registered model that the decorated function trains; the function returns `Trained`.

    `metric` is what a newer version is compared by. `gates` says who opens an alias, `human` or `rule`. `retries` says how
    often it is tried again after an error that may pass.
    """

    def declare(function: Function) -> ModelAsset:
        where = _where(function)
        for gate in (gates or {}).values():
            _one_of(where, "gate", gate, get_args(Gate))
        return ModelAsset(
            key=checked_key(key, where),
            function=function,
            inputs=_inputs(function, where, inputs or {}),
            where=where,
            gates=dict(gates or {}),
            metric=metric,
            higher_is_better=higher_is_better,
            description=inspect.getdoc(function) or "",
            owner=owner,
            group=group,
            tags=dict(tags or {}),
            code=code,
            retries=_not_negative(where, retries),
        )

    return declare


def external(
    key: str,
    *,
    files: str | None = None,
    columns: Iterable[str] = (),
    table: str | None = None,
    description: str = "",
    owner: str | None = None,
    group: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> External:
    """Declares what another system makes: `files="orders/*.csv"` below the landing folder, or a Delta `table`'s address.

    `columns` are the names in the header of every file, in any order; a file with others is set aside.
    """
    frame = sys._getframe(1)
    where = Where(file=short(frame.f_code.co_filename), line=frame.f_lineno)
    if (files is None) == (table is None):
        raise BadOption(
            where, f"external {key!r}", f"files={files!r}, table={table!r}", "exactly one of files and table"
        )
    if files is not None and (not files or Path(files).is_absolute() or ".." in Path(files).parts):
        raise BadOption(where, f"files of {key!r}", repr(files), "a pattern below the landing folder: 'orders/*.csv'")
    if files is not None and not tuple(columns):
        raise BadOption(where, f"columns of {key!r}", "()", "the names in the header of the files")
    return External(
        key=checked_key(key, where),
        where=where,
        files=files,
        columns=tuple(columns),
        table=table,
        description=description,
        owner=owner,
        group=group,
        tags=dict(tags or {}),
    )


def group_of(asset: Asset) -> str:
    """The group that an asset belongs to, which is its layer where the author gave none. (Dagster's is `default`.)"""
    return asset.group or asset.key.split(".")[0]


def kinds_of(asset: Asset) -> tuple[str, ...]:
    """What sort of thing an asset is: `external`, `model`, or `table` and the engine that writes it."""
    if isinstance(asset, External):
        return ("external",)
    return ("model",) if isinstance(asset, ModelAsset) else ("table", asset.engine)


def _where(function: Function) -> Where:
    code = inspect.unwrap(function).__code__
    return Where(file=short(code.co_filename), line=code.co_firstlineno)


def short(file: str) -> str:
    """A file as a person finds it: from the working folder, where it is below that."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _inputs(function: Function, where: Where, given: Mapping[str, str]) -> Mapping[str, Reference]:
    parameters = inspect.signature(function).parameters
    for parameter in parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            wanted = "a parameter that is given by its name, for each stands for one input"
            raise BadOption(where, "a parameter", repr(str(parameter)), wanted)
    names = tuple(parameters)
    if strangers := [name for name in given if name not in names]:
        wanted = f"names among the function's parameters ({', '.join(names) or 'none'})"
        raise BadOption(where, "inputs", ", ".join(map(repr, strangers)), wanted)
    return {name: Reference.parse(given.get(name, name)) for name in names}


def _not_negative(where: Where, retries: int) -> int:
    if not isinstance(retries, int) or retries < 0:
        raise BadOption(where, "retries", repr(retries), "a whole number from 0")
    return retries


def _one_of(where: Where, option: str, found: str, possible: tuple[str, ...]) -> None:
    if found not in possible:
        raise BadOption(where, option, repr(found), f"one of {', '.join(map(repr, possible))}")
