"""The words with which an author declares assets."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import get_args

from assets import options
from assets.asset import RETRIES, Automation, External, Function, Gate, ModelAsset, TableAsset
from assets.declared import Checks, declared
from assets.errors import BadOption, Where
from assets.key import checked_key, made_key
from assets.write import SchemaChange, Write, check_write
from lakehouse.engine import EngineName


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
    pool: str | None = None,
    timeout: timedelta | None = None,
    automation: Automation = "eager",
) -> Callable[[Function], TableAsset]:
    """Declares the table that the decorated function makes of its inputs.

    A parameter without an entry in `inputs` reads the asset of the parameter's own name. `write="append"` adds the returned
    rows to the table, `"replace"` puts them in place of all others, `merge(...)` updates by key. A table that is added to keeps
    its columns, unless `schema="evolve"` lets it grow. `code` is the code version, where the author keeps it. `retries` says
    how often it is tried again after an error that may pass. In Airflow its task takes a slot of the `pool` and is ended after
    the `timeout`; with `automation="manual"` it is made only where its job is started by a schedule or a person, else also
    where the log tells that it is stale.
    """
    caller = Where.of_caller()
    options.check_key("asset", key, caller)

    def declare(function: Function) -> TableAsset:
        where = options.where_of("asset", function, caller)
        options.check_one_of(where, "automation", automation, get_args(Automation))
        options.check_texts(where, owner=owner, group=group, code=code, pool=pool)
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
            pool=pool,
            timeout=options.duration(where, "timeout", timeout),
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
    pool: str | None = None,
    timeout: timedelta | None = None,
    automation: Automation = "eager",
) -> Callable[[Function], ModelAsset]:
    """Declares the registered model that the decorated function trains; the function returns `Trained`.

    `metric` is what a newer version is compared by. `gates` says who opens an alias, `human` or `rule`. `retries` says how
    often it is tried again after an error that may pass; `pool`, `timeout` and `automation` say what they say of an asset.
    """
    caller = Where.of_caller()
    options.check_key("model", key, caller)

    def declare(function: Function) -> ModelAsset:
        where = options.where_of("model", function, caller)
        options.check_one_of(where, "automation", automation, get_args(Automation))
        options.check_texts(where, owner=owner, group=group, code=code, metric=metric, pool=pool)
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
            pool=pool,
            timeout=options.duration(where, "timeout", timeout),
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
