import json
import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic_settings import BaseSettings

from api.held import held
from api.local import airflow, credentials, ports, record
from api.local.airflow import Airflow
from api.local.errors import CredentialsUnreadable, PortsTaken, UnknownPart
from api.local.parts import chosen, platform
from api.local.ports import Wanted, free_port
from api.local.processes import Started
from api.local.running import State
from api.local.service import last_lines
from api.local.settings import UpSettings
from api.local.up import Told, status_line, up
from assets.settings import DefinitionSettings, WatchSettings
from lakehouse.errors import BadSetting
from lakehouse.settings import LakeSettings
from observability.settings import ObservabilitySettings
from registry.settings import RegistrySettings


def wanted(port: int, service: str = "MLflow") -> Wanted:
    return Wanted(service=service, port=port, setting=f"LAKELINE_UP_{service.upper()}_PORT")


def described(tmp_path: Path, **around: str) -> Airflow:
    return Airflow(home=tmp_path / "airflow", port=8123, dags=tmp_path / "dags", logs=tmp_path, around=around)


def test_the_ports_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_UP_AIRFLOW_PORT", "8181")
    monkeypatch.setenv("LAKELINE_UP_SPARK_PORT", "15100")
    found = UpSettings.from_env()
    assert (found.airflow_port, found.up_mlflow_port, found.up_spark_port) == (8181, 5000, 15100)
    assert found.airflow_port_setting == "LAKELINE_UP_AIRFLOW_PORT"
    monkeypatch.setenv("AIRFLOW__API__PORT", "8282")
    assert UpSettings.from_env().airflow_port == 8282
    (port,) = platform(("airflow",), UpSettings.from_env(), {}, is_explicit=True).ports
    assert (port.port, port.setting) == (8282, "AIRFLOW__API__PORT")


@pytest.mark.parametrize("name", ["LAKELINE_UP_MLFLOW_PORT", "LAKELINE_UP_AIRFLOW_PORT", "AIRFLOW__API__PORT"])
def test_a_wrong_port_is_named_as_it_was_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "many")
    with pytest.raises(BadSetting, match=f"^{name} is 'many'"):
        UpSettings.from_env()


def test_a_free_port_is_free() -> None:
    ports.check([wanted(free_port()), wanted(free_port(), "Airflow")])


def test_a_taken_port_is_named_with_who_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortsTaken) as told:
            ports.check([wanted(free_port(), "Airflow"), wanted(port)])
    assert f"port {port} of MLflow is held by process {os.getpid()}" in str(told.value)
    assert "LAKELINE_UP_MLFLOW_PORT" in str(told.value)
    assert "Airflow" not in str(told.value)


def test_a_port_that_two_want_is_named() -> None:
    port = free_port()
    with pytest.raises(PortsTaken, match=f"port {port} is wanted by MLflow and by Spark"):
        ports.check([wanted(port), wanted(port, "Spark")])


def test_a_part_that_there_is_not_is_named() -> None:
    assert chosen("api,airflow") == ("airflow", "api")
    with pytest.raises(UnknownPart, match="no part 'kafka'; name some of airflow, mlflow, spark, api"):
        chosen("kafka")


def test_what_runs_elsewhere_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    monkeypatch.setenv("SPARK_REMOTE", "sc://spark.example:15002/;token=x")
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "tests.api.no_model")
    found = platform(("mlflow", "spark", "api"), UpSettings.from_env(), {}, is_explicit=False)
    assert (found.services, found.ports, found.addresses) == ((), (), {})
    told = "\n".join(found.notes)
    for part, word in (("mlflow", "mlflow.example"), ("spark", "spark.example"), ("api", "no model")):
        assert f"{part} is not started: " in told
        assert word in told
    assert "token" not in told
    with pytest.raises(BadSetting, match="SPARK_REMOTE"):
        platform(("spark",), UpSettings.from_env(), {}, is_explicit=True)


def test_each_program_is_told_the_same_home(own_home: Path) -> None:
    found = platform(("airflow", "mlflow", "api"), UpSettings.from_env(), {"X": "y"}, is_explicit=False)
    assert len(found.services) == 6
    assert {service.environment["LAKELINE_HOME"] for service in found.services} == {str(own_home)}
    assert {service.environment["X"] for service in found.services} == {"y"}
    assert [service.name for service in found.services if service.is_first] == ["MLflow"]
    assert [each.port for each in found.ports] == [5000, 8080, 8001]


def test_airflows_buttons_lead_to_the_mlflow_that_is_started(own_home: Path) -> None:
    def pages(parts: tuple[str, ...], **around: str) -> set[str | None]:
        found = platform(parts, UpSettings.from_env(), around, is_explicit=True)
        return {each.environment.get("LAKELINE_MLFLOW_PAGES") for each in found.services if "Airflow" in each.name}

    assert pages(("airflow", "mlflow")) == {"http://127.0.0.1:5000"}
    assert pages(("airflow",)) == {None}
    assert pages(("airflow", "mlflow"), LAKELINE_MLFLOW_PAGES="https://mlflow.example") == {"https://mlflow.example"}


def test_a_wrong_setting_of_the_watch_is_told_before_airflow_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_WATCH_SECONDS", "soon")
    with pytest.raises(BadSetting, match="LAKELINE_WATCH_SECONDS is 'soon'"):
        up("airflow", Told(report=pytest.fail, opened=lambda platform: None, status=pytest.fail))


def test_credentials_are_long_enough_and_kept_for_this_user_alone(tmp_path: Path) -> None:
    first = credentials.kept(tmp_path / "airflow")
    assert len(first.jwt_secret) >= 64
    assert Fernet(first.fernet_key).decrypt(Fernet(first.fernet_key).encrypt(b"x")) == b"x"
    assert first.password not in repr(first)
    assert credentials.kept(tmp_path / "airflow") == first
    files = list((tmp_path / "airflow").iterdir())
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in files} == {
        "secrets.json": 0o600,
        "passwords.json": 0o600,
    }


def test_passwords_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "passwords.json").write_text('{"alice": "hers"}\n')
    password = credentials.kept(tmp_path).password
    assert json.loads((tmp_path / "passwords.json").read_text()) == {"admin": password, "alice": "hers"}


@pytest.mark.parametrize("text", ["{", "[1]", '{"admin": 1}'])
def test_broken_credentials_are_not_written_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "passwords.json").write_text(text)
    with pytest.raises(CredentialsUnreadable, match="passwords.json"):
        credentials.kept(tmp_path)
    assert (tmp_path / "passwords.json").read_text() == text


def test_what_the_environment_says_of_airflow_counts_more(tmp_path: Path) -> None:
    asked = {
        "AIRFLOW__CORE__PARALLELISM": "16",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2:///airflow",
        "AIRFLOW__CORE__FERNET_KEY_CMD": "cat key",
        "NO_PROXY": "example.org",
    }
    place = described(tmp_path, **asked)
    made = airflow.environment(place, airflow.credentials(place))
    assert {name: made[name] for name in asked} == {**asked, "NO_PROXY": "example.org,127.0.0.1,localhost"}
    assert "AIRFLOW__CORE__FERNET_KEY" not in made
    assert made["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_an_airflow_is_four_programs_of_which_the_api_ends_last(tmp_path: Path) -> None:
    found = {service.name: service for service in airflow.services(described(tmp_path))}
    assert list(found) == [
        "Airflow's api-server",
        "Airflow's scheduler",
        "Airflow's dag-processor",
        "Airflow's triggerer",
    ]
    assert max(found.values(), key=lambda service: service.ends).name == "Airflow's api-server"
    assert "--skip-serve-logs" in found["Airflow's scheduler"].command
    assert "--skip-serve-logs" in found["Airflow's triggerer"].command
    assert found["Airflow's api-server"].before[-2:] == ("db", "migrate")


def test_a_shell_is_told_how_to_reach_it(tmp_path: Path) -> None:
    place = described(tmp_path, LAKELINE_HOME="it's here", HOME="/root")
    airflow.services(place)
    assert stat.S_IMODE(place.for_shells.stat().st_mode) == 0o600
    told = subprocess.run(
        ["sh", "-c", f". {place.for_shells}; echo $LAKELINE_HOME $AIRFLOW__API__PORT $HOME"],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "it's here 8123\n"


@pytest.mark.parametrize(
    "settings", [LakeSettings, RegistrySettings, ObservabilitySettings, DefinitionSettings, WatchSettings]
)
def test_a_shell_sees_every_setting_that_the_scheduler_sees(tmp_path: Path, settings: type[BaseSettings]) -> None:
    names = [name.upper() for name in settings.model_fields]
    place = described(tmp_path, **dict.fromkeys(names, "x y"))
    airflow.services(place)
    told = place.for_shells.read_text().splitlines()
    assert [name for name in names if f"export {name}='x y'" not in told] == []


def test_only_who_knows_nothing_of_users_is_told_ours(tmp_path: Path) -> None:
    assert airflow.is_ours_to_enter(described(tmp_path))
    assert not airflow.is_ours_to_enter(described(tmp_path, AIRFLOW__CORE__AUTH_MANAGER="x.Y"))


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    started = Started(name="MLflow", pid=1, started_at=2.5, ends=1, log="/tmp/x")
    with held(tmp_path / "up") as is_ours:
        assert is_ours
        mine = record.ours(started=(started,), spark_of="/lake", addresses={"MLflow": "http://x"})
        record.write(tmp_path / "up", mine)
        assert record.read(tmp_path / "up") == mine
        assert record.keeper(mine) == os.getpid()
        assert record.is_held(tmp_path / "up")
        with held(tmp_path / "up") as second:
            assert not second
    assert not record.is_held(tmp_path / "up")
    record.forget(tmp_path / "up")
    assert record.read(tmp_path / "up") is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"started": [1]}'])
def test_a_record_that_nobody_can_understand_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "running.json").write_text(text)
    assert record.read(tmp_path) is None


def test_the_status_says_what_does_not_answer() -> None:
    states = [State(name="a", is_ready=True, restarts=0), State(name="b", is_ready=False, restarts=2)]
    assert status_line(states, [""]) == "no answer from b; b restarted 2x"
    assert status_line(states, [], 2) == "no answer from b; 2 DAG files cannot be read; b restarted 2x"
    assert status_line(states[:1], ["1 run under way"], 1) == "1 DAG file cannot be read; 1 run under way"


def test_the_end_of_a_log_is_told_with_its_place(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {number}\n" for number in range(9000)))
    assert last_lines(log, 2) == f"line 8998\nline 8999\n(all of it: {log})"
    assert last_lines(tmp_path / "none") == f"(no log at {tmp_path / 'none'})"
