"""Assets: what should exist, as values; and the words with which an author declares them."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from assets import options
from assets.declared import Check, Checks, declared
from assets.errors import BadOption, Where
from assets.key import Reference, checked_key, made_key
from assets.write import SchemaChange, Write, check_write
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
    automation: Automation = "eager",
) -> Callable[[Function], TableAsset]:
    """Declares the table that the decorated function makes of its inputs.

    A parameter without an entry in `inputs` reads the asset of the parameter's own name. `write="append"` adds the returned
    rows to the table, `"replace"` puts them in place of all others, `merge(...)` updates by key. A table that is added to keeps
    its columns, unless `schema="evolve"` lets it grow. `code` is the code version, where the author keeps it. `retries` says
    how often it is tried again after an error that may pass. With `automation="manual"` Airflow makes it only where its job is
    started by a schedule or a person; else also where the log tells that it is stale.
    """
    caller = Where.of_caller()
    options.check_key("asset", key, caller)

    def declare(function: Function) -> TableAsset:
        where = options.where_of("asset", function, caller)
        options.check_one_of(where, "automation", automation, get_args(Automation))
        options.check_texts(where, owner=owner, group=group, code=code)
        options.check_one_of(where, "engine", engine, get_args(EngineName))
        check_write(where, write, schema)
        return TableAsset(
            key=made_key(key, where),
            function=function,
            inputs=options.inputs(function, where, inputs),
            where=where,
            checks=declared(checks, key, where, write),
            write=write,
            schema=schema,
            engine=engine,
            description=inspect.getdoc(function) or "",
            owner=owner,
            group=group,
            tags=options.tags(where, tags),
            code=code,
            retries=options.not_negative(where, retries),
            automation=automation,
        )

    return declare


def model(  # noqa: PLR0913 (each is an option that an author may give)
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
    automation: Automation = "eager",
) -> Callable[[Function], ModelAsset]:
    """Declares the registered model that the decorated function trains; the function returns `Trained`.

    `metric` is what a newer version is compared by. `gates` says who opens an alias, `human` or `rule`. `retries` says how
    often it is tried again after an error that may pass, `automation` what it says of an asset.
    """
    caller = Where.of_caller()
    options.check_key("model", key, caller)

    def declare(function: Function) -> ModelAsset:
        where = options.where_of("model", function, caller)
        options.check_one_of(where, "automation", automation, get_args(Automation))
        options.check_texts(where, owner=owner, group=group, code=code, metric=metric)
        options.check_one_of(where, "higher_is_better", higher_is_better, (True, False))
        for gate in options.mapping(where, "gates", gates, "{'staging': 'human'}").values():
            options.check_one_of(where, "gate", gate, get_args(Gate))
        return ModelAsset(
            key=made_key(key, where),
            function=function,
            inputs=options.inputs(function, where, inputs),
            where=where,
            gates=dict(gates or {}),
            metric=metric,
            higher_is_better=higher_is_better,
            description=inspect.getdoc(function) or "",
            owner=owner,
            group=group,
            tags=options.tags(where, tags),
            code=code,
            retries=options.not_negative(where, retries),
            automation=automation,
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
    where = Where.of_caller()
    options.check_texts(where, key=key, files=files, table=table, description=description, owner=owner, group=group)
    header = options.names(where, "columns", columns)
    if (files is None) == (table is None):
        raise BadOption(
            where, f"external {key!r}", f"files={files!r}, table={table!r}", "exactly one of files and table"
        )
    if files is not None and not options.is_pattern(files):
        raise BadOption(where, f"files of {key!r}", repr(files), "a pattern below the landing folder: 'orders/*.csv'")
    if files is not None and not header:
        raise BadOption(where, f"columns of {key!r}", "()", "the names in the header of the files")
    return External(
        key=checked_key(key, where),
        where=where,
        files=files,
        columns=header,
        table=table,
        description=description,
        owner=owner,
        group=group,
        tags=options.tags(where, tags),
    )


def group_of(asset: Asset) -> str:
    """The group that an asset belongs to, which is its layer where the author gave none. (Dagster's is `default`.)"""
    return asset.group or asset.key.split(".")[0]


def kinds_of(asset: Asset) -> tuple[str, ...]:
    """What sort of thing an asset is: `external`, `model`, or `table` and the engine that writes it."""
    if isinstance(asset, External):
        return ("external",)
    return ("model",) if isinstance(asset, ModelAsset) else ("table", asset.engine)
