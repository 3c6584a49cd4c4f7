import pickle
import re
import sqlite3
import time
import urllib.request
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from lakehouse.errors import BadSetting, PlatformError, Transient
from lakehouse.lake import Lake
from registry import errors
from registry.door import told
from registry.errors import RegistryRefused, RegistryUnreachable
from registry.models import Models
from registry.pages import run_page, version_page
from registry.settings import RegistrySettings
from registry.ui import ui_command
from tests.registry.kept import NAME, save, stamp, trained


def kinds() -> list[type[PlatformError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, PlatformError)]
    return [kind for kind in found if kind.__module__ == "registry.errors"]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or ""))
    assert drawn == {kind.__name__ for kind in kinds()} | {"Fatal", "Transient"}


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind: type[PlatformError]) -> None:
    wanted = kind.__init__.__annotations__
    values = {"str": "x", "int": 3, "tuple[str, ...]": ("y",), "tuple[int, ...]": (4,)}
    given = [
        values[getattr(hint, "__name__", "") if isinstance(hint, type) and hint in (str, int) else str(hint)]
        for name, hint in wanted.items()
        if name != "return"
    ]
    error = kind(*given)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (kind, str(error))
    assert str(error) and not str(error).endswith(".")


def test_a_server_that_is_down_fails_at_once_and_can_be_tried_again(lake: Lake, tmp_path: Path) -> None:
    down = Models(RegistrySettings(lakeline_home=tmp_path, mlflow_tracking_uri="http://127.0.0.1:9"), lake)
    started = time.monotonic()
    with pytest.raises(RegistryUnreachable, match="http://127.0.0.1:9"):
        down.save(NAME, trained, stamp(), ())
    with pytest.raises(Transient):
        down.load(NAME, 1)
    assert time.monotonic() - started < 5
    assert down.versions(NAME) == ()


def test_a_store_that_no_program_knows_is_refused(lake: Lake, tmp_path: Path) -> None:
    strange = Models(RegistrySettings(lakeline_home=tmp_path, mlflow_tracking_uri="gopher://x"), lake)
    with pytest.raises(RegistryRefused, match="gopher://x"):
        strange.save(NAME, trained, stamp(), ())
    unwritable = Models(RegistrySettings(mlflow_tracking_uri="sqlite:////proc/none/mlflow.db"), lake)
    with pytest.raises(PlatformError, match="/proc/none"):
        unwritable.save(NAME, trained, stamp(), ())


@pytest.mark.slow
def test_every_error_of_mlflow_is_put_into_our_words(settings: RegistrySettings) -> None:
    for error in (MlflowException("no"), sqlite3.OperationalError("bad"), sqlite3.DatabaseError("malformed")):
        with pytest.raises(RegistryRefused, match="did not work"), told(settings, "work"):
            raise error
    for error in (sqlite3.OperationalError("database is locked"), ConnectionResetError("reset"), TimeoutError()):
        with pytest.raises(RegistryUnreachable), told(settings, "work"):
            raise error


def test_the_settings_are_mlflows_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKELINE_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = RegistrySettings.from_env()
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert settings.database == tmp_path / "mlflow.db"
    assert (settings.experiment, settings.mirror_stages) == ("lakeline", False)
    monkeypatch.setenv("LAKELINE_MIRROR_STAGES", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    assert RegistrySettings.from_env().mirror_stages
    assert "secret" not in repr(RegistrySettings.from_env())
    monkeypatch.setenv("LAKELINE_MIRROR_STAGES", "perhaps")
    with pytest.raises(BadSetting, match="LAKELINE_MIRROR_STAGES is 'perhaps'"):
        RegistrySettings.from_env()


@pytest.mark.slow
def test_saving_leaves_the_environment_as_it_was(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////nowhere/else.db")
    save(models)
    assert os.environ["MLFLOW_TRACKING_URI"] == "sqlite:////nowhere/else.db"


@pytest.mark.slow
def test_mlflows_pages_are_shown_for_a_store_that_has_none(server: str, tmp_path: Path) -> None:
    with urllib.request.urlopen(server, timeout=10) as page:
        assert b"<title>MLflow</title>" in page.read()
    command = ui_command(RegistrySettings(lakeline_home=tmp_path), 5001)
    assert command.address == "http://127.0.0.1:5001"
    shown = RegistrySettings(lakeline_home=tmp_path, lakeline_mlflow_pages=server)
    assert version_page(shown, "iris", 3) == f"{server}/#/models/iris/versions/3"
    assert run_page(shown, "0" * 32) is None
    assert version_page(RegistrySettings(lakeline_home=tmp_path), "iris", 3) is None
    with pytest.raises(BadSetting, match="open it in a browser"):
        ui_command(RegistrySettings(mlflow_tracking_uri=server))
