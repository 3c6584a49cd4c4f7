"""An Airflow connection says where the lake is, and how to get into it, where the environment does not.

Only what the environment lacks is taken from it, so that settings count more. Airflow keeps its secrets out of the logs.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lakehouse.errors import BadSetting
from lakehouse.settings import LakeSettings
from observability.settings import ObservabilitySettings
from registry.settings import RegistrySettings

if TYPE_CHECKING:
    from airflow.sdk import Connection

TYPE, DEFAULT = "lakeline", "lakeline_default"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")  # one opens nothing without the other of the same pair


def variables(connection: "Connection") -> Mapping[str, str]:
    """The environment variables that a connection stands for.

    Host is the lake's root, login and password are the keys to its store. The extra has any other setting by its name.
    """
    named = {"lake_root": connection.host, "aws_access_key_id": connection.login}
    named["aws_secret_access_key"] = connection.password
    extra = connection.extra_dejson
    if bool(connection.login) != bool(connection.password):
        lacking = "password" if connection.login else "login"
        wanted = "wanted one, as login and password are the keys to the lake's store"
        raise BadSetting(f"the {lacking} of the connection {connection.conn_id!r}", "", wanted)
    known = {*LakeSettings.model_fields, *RegistrySettings.model_fields, *ObservabilitySettings.model_fields}
    for name in extra:
        if name not in known:
            where = f"a name in the extra of the connection {connection.conn_id!r}"
            raise BadSetting(where, name, f"wanted one of {', '.join(sorted(known))}")
    given = named | {name: _plain(value) for name, value in extra.items()}
    return {name.upper(): value for name, value in given.items() if value}


def lend() -> None:
    """Gives a task's process what its environment lacks, where there is a connection `lakeline_default`.

    A task that is told by neither where the lake is fails: Airflow answers that there is no connection also where it cannot ask
    for one, and a lake that nobody named would come to be in the worker's folder.
    """
    from airflow.sdk.exceptions import AirflowException

    _lend()
    if not _is_placed():
        raise AirflowException(
            f"nothing says where the lake is: set LAKE_ROOT or LAKELINE_HOME, or add the connection {DEFAULT!r} with a host"
        )


def lend_to_parsing() -> None:
    """The same for a parser, which only needs to know where the lake is, and asks for nothing where that is known."""
    if not _is_placed():
        _lend()


async def lend_in_triggerer() -> LakeSettings:
    """The lake of a trigger, which may wait for Airflow's answer only by awaiting it.

    The keys to the lake are in these settings alone: the triggers of others run in the same process.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        lent = variables(await Connection.async_get(DEFAULT))
    except AirflowNotFoundException:
        return LakeSettings.from_env()
    _fill({name: value for name, value in lent.items() if name not in _KEYS})
    keys = {} if _has_keys() else {name.lower(): lent[name] for name in _KEYS if name in lent}
    return LakeSettings.from_env(keys)


def _lend() -> None:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = Connection.get(DEFAULT)
    except AirflowNotFoundException:
        return
    _fill(variables(found))


def _is_placed() -> bool:
    return any(os.environ.get(name) for name in ("LAKE_ROOT", "LAKELINE_HOME"))


def _fill(lent: Mapping[str, str]) -> None:
    has_keys = _has_keys()
    for name, value in lent.items():
        if not os.environ.get(name) and not (has_keys and name in _KEYS):
            os.environ[name] = value


def _has_keys() -> bool:
    return any(os.environ.get(name) for name in _KEYS)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
