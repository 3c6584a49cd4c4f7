"""What the project's own files promise."""

import re
import subprocess
import sys
from pathlib import Path

from api.door.settings import DoorSettings
from api.hint.settings import HintSettings
from api.log.settings import LogSettings
from api.settings import ApiSettings
from assets.settings import DefinitionSettings
from lakehouse.settings import LakeSettings
from observability.settings import ObservabilitySettings
from registry.settings import RegistrySettings

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
OF_SERVING = (PROJECT / "docs" / "serving.md").read_text()


def test_the_lock_holds_no_address_of_a_registry() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (PROJECT / "uv.lock").read_text()))
    assert hosts == {"index.invalid"}


def test_a_set_up_that_is_done_asks_no_network() -> None:
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "UV_DEFAULT_INDEX"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "scripts/set_up.py"],
        cwd=PROJECT,
        env=nowhere | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_readme_names_every_command() -> None:
    from tests.api.test_cli import commands

    missing = [command for command in commands() if f"lakeline {command.split()[0]}" not in README]
    assert missing == ["demo"]  # it is run by 'make demo'


def test_the_readme_or_the_page_on_serving_names_every_setting() -> None:
    rooms = (LakeSettings, RegistrySettings, ObservabilitySettings, DefinitionSettings)
    names = [name for settings in rooms for name in settings.model_fields]
    names += [f"lakeline_log_{name}" for name in LogSettings.model_fields if name != "home"]
    names += [f"lakeline_{name}" for name in ApiSettings.model_fields if name != "home"]
    names += [f"lakeline_serve_{name}" for name in DoorSettings.model_fields]
    names += [f"lakeline_serve_webhook_{name}" for name in HintSettings.model_fields]
    missing = [name for name in names if f"`{name.upper()}`" not in README + OF_SERVING]
    assert [name for name in missing if not name.startswith("mlflow_")] == []


def test_the_readme_names_every_make_target_that_it_speaks_of() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets
