"""The package as a provider of an Airflow: its connection type and hook, by Airflow's own commands."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException

from dags.bridge import connection
from dags.bridge.hook import LakelineHook
from lakehouse.errors import BadSetting
from tests.dags.snippets import blocks


def lent(**given: object) -> Mapping[str, str]:
    return connection.variables(Connection(conn_id="lakeline_default", conn_type="lakeline", **given))


def test_a_connection_stands_for_environment_variables() -> None:
    extra = json.dumps({"aws_endpoint_url": "https://s3.example.com", "lakeline_mirror_stages": True})
    assert lent(host="s3://lake/prod", login="KEY", password="SECRET", extra=extra) == {
        "LAKE_ROOT": "s3://lake/prod",
        "AWS_ACCESS_KEY_ID": "KEY",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
        "AWS_ENDPOINT_URL": "https://s3.example.com",
        "LAKELINE_MIRROR_STAGES": "true",
    }


def test_an_unknown_name_in_the_extra_is_refused_without_the_secrets() -> None:
    told = r"a name in the extra of the connection 'lakeline_default' is 'endpoint'; wanted one of aws_access_key_id, "
    with pytest.raises(BadSetting, match=told) as refused:
        lent(login="KEY", password="SECRET", extra='{"endpoint": "https://s3.example.com"}')
    assert "SECRET" not in str(refused.value)


def test_one_half_of_a_pair_of_keys_is_refused() -> None:
    with pytest.raises(BadSetting, match="the password of the connection 'lakeline_default' is ''; wanted one"):
        lent(host="s3://lake/prod", login="KEY")


def test_the_keys_of_a_connection_stay_out_of_the_triggerers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"conn_type": "lakeline", "host": "s3://lake", "login": "KEY", "password": "SECRET"}
    monkeypatch.setenv("AIRFLOW_CONN_LAKELINE_DEFAULT", json.dumps(given))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings = asyncio.run(connection.lend_in_triggerer())
    assert (settings.lake_root, settings.aws_access_key_id) == ("s3://lake", "KEY")
    assert settings.aws_secret_access_key is not None
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    assert os.environ.pop("LAKE_ROOT") == "s3://lake"


def test_the_environment_counts_more_than_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "conn_type": "lakeline",
        "host": "/theirs",
        "login": "theirs",
        "password": "SECRET",
        "extra": {"aws_region": "eu-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LAKELINE_DEFAULT", json.dumps(given))
    monkeypatch.setenv("LAKE_ROOT", "/ours")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ours")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "")
    monkeypatch.setenv("AWS_REGION", "")
    connection.lend()
    lake = LakelineHook().get_conn()
    assert (lake.settings.lake_root, lake.settings.aws_region) == (
        "/theirs",
        "eu-1",
    )  # a hook is asked for its connection
    assert lake.from_env().settings.lake_root == "/ours"
    assert lake.from_env().settings.aws_region == "eu-1"
    assert lake.from_env().settings.aws_secret_access_key is None  # it goes with a key of its own


def test_parsing_asks_for_no_connection_where_the_place_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LAKELINE_DEFAULT", json.dumps({"conn_type": "lakeline", "host": "/theirs"}))
    monkeypatch.setenv("LAKE_ROOT", "")
    connection.lend_to_parsing()
    assert LakelineHook().get_conn().from_env().settings.lake_root is None  # LAKELINE_HOME is set


def test_a_task_that_nobody_told_where_the_lake_is_makes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_HOME", "")
    with pytest.raises(
        AirflowException, match="nothing says where the lake is: set LAKE_ROOT or LAKELINE_HOME, or add"
    ):
        connection.lend()


@pytest.mark.slow
def test_airflow_knows_the_provider_and_keeps_its_connections(tmp_path: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    }

    def airflow(*words: str) -> str:
        command = [sys.executable, "-P", "-m", "airflow", *words]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    airflow("db", "migrate")
    assert "lakeline" in airflow("providers", "list")
    assert "dags.bridge.hook.LakelineHook" in airflow("providers", "hooks")
    assert "dags.bridge.links.RunLink" in airflow("providers", "links")
    (block,) = blocks("console")
    for line in block.splitlines():
        name, *words = shlex.split(line.removeprefix("$ "))
        assert name == "airflow"
        told = airflow(*words)
    assert "s3://lake/prod" in told
