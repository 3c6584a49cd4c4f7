"""Pushes what was measured of a model to a Prometheus Pushgateway: one group of gauges, which replaces the one before."""

import re
from collections.abc import Iterable
from http.client import HTTPException

from lakehouse.errors import BadSetting
from observability.drift import Measurement
from observability.errors import PushFailed
from observability.settings import without_password

JOB = "model_monitoring"
_SECONDS = 10.0


def push(address: str, measured: Measurement) -> None:
    """Sets `<column>_ks_statistic` and `<column>_p_value` of each column that has them.

    The group's key is the job, the model, the alias and the table, so that a newer measurement takes the place of an older one.
    """
    from prometheus_client import CollectorRegistry, push_to_gateway

    from observability.metrics import set_drift

    registry = CollectorRegistry()
    told = {c.column: (c.ks_statistic, c.p_value) for c in measured.columns}
    for column, name in metric_names(told).items():
        ks, p = told[column]
        if ks is not None and p is not None:
            set_drift(registry, name, column, ks, p)
    pair = measured.pair
    key = {"model": pair.model, "alias": pair.alias, "table": pair.table}
    try:
        push_to_gateway(address, job=JOB, registry=registry, grouping_key=key, timeout=_SECONDS)
    except (OSError, HTTPException) as error:
        raise PushFailed(without_password(address), str(error) or type(error).__name__) from error
    except ValueError as error:
        raise BadSetting("PUSHGATEWAY_URL", without_password(address), str(error)) from error


def metric_names(columns: Iterable[str]) -> dict[str, str]:
    """What each column is called in the name of a metric, where letters, digits and underscores are all there is.

    >>> metric_names(["sepal_length", "10 % trimmed", "a-b", "a.b"])
    {'10 % trimmed': '_10___trimmed', 'a-b': 'a_b', 'a.b': 'a_b_2', 'sepal_length': 'sepal_length'}
    """
    names: dict[str, str] = {}
    # Columns that are names already keep them; then by name, so that the order of a table's columns changes nothing.
    for column in sorted(columns, key=lambda c: (_valid(c) != c, c)):
        name, number = _valid(column), 1
        while name in names.values():
            number += 1
            name = f"{_valid(column)}_{number}"
        names[column] = name
    return dict(sorted(names.items()))


def _valid(column: str) -> str:
    return re.sub(r"^(?=[0-9])|[^a-zA-Z0-9_]", "_", column)
