import http.server
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from pydantic import SecretStr

from registry.aliases import Held, RegisteredModel, _alias_by_client, _model_by_client, read_alias, read_model
from registry.errors import AccessRefused, RegistryRefused, RegistryUnreachable
from registry.settings import RegistrySettings

pytestmark = pytest.mark.slow

Readers = tuple[
    Callable[[RegistrySettings, str], RegisteredModel | None], Callable[[RegistrySettings, str, str], Held | None]
]


def fill(uri: str, name: str) -> tuple[MlflowClient, dict[int, str]]:
    """Four versions made by somebody's own script, one of them deleted; their runs."""
    client = MlflowClient(uri, uri)
    client.create_registered_model(name, tags={"team": "flowers"})
    experiment = client.get_experiment_by_name("Default")
    assert experiment is not None
    runs = {}
    for number in range(1, 5):
        run = client.create_run(experiment.experiment_id)
        client.create_model_version(name, source=f"{run.info.artifact_uri}/model", run_id=run.info.run_id)
        runs[number] = run.info.run_id
    client.set_registered_model_alias(name, "production", "2")
    client.set_registered_model_alias(name, "Champion-1", "3")
    client.set_registered_model_alias(name, "gone", "4")
    client.delete_model_version(name, "4")
    for version, stage in (("1", "Staging"), ("2", "Staging"), ("3", "Archived")):
        client.transition_model_version_stage(name, version, stage)
    return client, runs


@pytest.fixture(params=["sqlite", "server", "client"])
def store(request: pytest.FixtureRequest) -> tuple[RegistrySettings, Readers]:
    """Each way to read, of a store in which it can be used."""
    name = "server_settings" if request.param == "server" else "settings"
    by_client = request.param == "client"
    settings = request.getfixturevalue(name)
    return settings, (_model_by_client, _alias_by_client) if by_client else (read_model, read_alias)


def test_every_way_to_read_says_what_mlflow_says(store: tuple[RegistrySettings, Readers], tmp_path: Path) -> None:
    settings, (model, alias) = store
    name = f"read_{tmp_path.name}"
    client, runs = fill(settings.tracking_uri, name)
    shown = client.get_registered_model(name)
    assert model(settings, name) == RegisteredModel(
        name=name,
        model_id=str(shown.creation_timestamp),
        aliases={alias: int(version) for alias, version in shown.aliases.items()},
        stages={v.current_stage: int(v.version) for v in shown.latest_versions if v.current_stage == "Staging"},
        tags={"team": "flowers"},
    )
    assert shown.aliases and next(v for v in shown.latest_versions if v.current_stage == "Staging").version in (2, "2")
    assert alias(settings, name, "production") == Held(version=2, run_id=runs[2])
    assert alias(settings, name, "Champion-1") == Held(version=3, run_id=runs[3])
    assert alias(settings, name, "gone") is None
    assert alias(settings, name, "staging") is None
    assert model(settings, "never & registered") is None
    assert alias(settings, "never & registered", "production") is None


def test_a_store_that_does_not_exist_yet_is_empty_and_is_not_made(tmp_path: Path) -> None:
    settings = RegistrySettings(lakeline_home=tmp_path, mlflow_tracking_uri=f"sqlite:///{tmp_path / 'a b#c.db'}")
    assert read_model(settings, "iris") is None
    assert read_alias(settings, "iris", "production") is None
    assert list(tmp_path.iterdir()) == []
    sqlite3.connect(tmp_path / "a b#c.db").close()
    assert read_alias(settings, "iris", "production") is None


def test_a_database_that_is_locked_or_none_is_told_apart(settings: RegistrySettings, tmp_path: Path) -> None:
    assert settings.database is not None
    writer = sqlite3.connect(settings.database)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RegistryUnreachable, match="locked"):
        read_model(settings, "iris")
    writer.close()
    (tmp_path / "notes.db").write_text("not a database" * 100)
    with pytest.raises(RegistryRefused, match="not a database"):
        read_model(RegistrySettings(mlflow_tracking_uri=f"sqlite:///{tmp_path / 'notes.db'}"), "iris")


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    settings = RegistrySettings(mlflow_tracking_uri="http://ann:secret@127.0.0.1:9/prefix")
    with pytest.raises(RegistryUnreachable, match=r"http://127.0.0.1:9/prefix' does not answer: .*refused") as told:
        read_alias(settings, "iris", "production")
    assert "secret" not in str(told.value)
    with pytest.raises(RegistryUnreachable):
        read_model(RegistrySettings(mlflow_tracking_uri="http://no-such-host.invalid"), "iris")


class _Guarded(http.server.BaseHTTPRequestHandler):
    """Lets in those who have the password, and answers what MLflow does not."""

    def do_GET(self) -> None:
        allowed = {"Bearer t0ken", "Basic YW5uOnNlY3JldA=="}
        self.send_response(200 if self.headers.get("Authorization") in allowed else 401)
        self.end_headers()
        self.wfile.write(b"<html>a proxy's page</html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def guarded() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Guarded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_server_is_given_the_token_or_the_password(guarded: str) -> None:
    bare = RegistrySettings(mlflow_tracking_uri=f"http://{guarded}")
    with pytest.raises(AccessRefused, match="MLFLOW_TRACKING_TOKEN"):
        read_model(bare, "iris")
    token = RegistrySettings(mlflow_tracking_uri=f"http://{guarded}", mlflow_tracking_token=SecretStr("t0ken"))
    user = {"mlflow_tracking_username": "ann", "mlflow_tracking_password": SecretStr("secret")}
    password = RegistrySettings.model_validate({"mlflow_tracking_uri": f"http://{guarded}", **user})
    inside = RegistrySettings(mlflow_tracking_uri=f"http://ann:secret@{guarded}")
    for settings in (token, password, inside):
        with pytest.raises(RegistryUnreachable, match="not one of MLflow's"):
            read_model(settings, "iris")


def test_reading_imports_no_mlflow_and_takes_no_time(settings: RegistrySettings) -> None:
    fill(settings.tracking_uri, "iris")
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "from registry.aliases import read_alias, read_model; from registry.settings import RegistrySettings\n"
        "s = RegistrySettings.from_env(); assert read_alias(s, 'iris', 'production').version == 2\n"
        "assert read_model(s, 'iris').aliases['production'] == 2\n"
        "assert not {'mlflow', 'pandas', 'pyarrow', 'deltalake', 'xgboost'} & set(sys.modules), sorted(sys.modules)\n"
        "print(time.perf_counter() - start)\n"
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": settings.tracking_uri}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2
    started = time.perf_counter()
    for _ in range(20):
        read_alias(settings, "iris", "production")
    assert (time.perf_counter() - started) / 20 < 0.1
