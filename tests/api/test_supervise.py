import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from api.run import own_folder
from api.settings import ApiSettings
from api.supervise import Role, Supervisor, deaths_after, pause_seconds
from lakehouse.errors import BadSetting


def test_the_first_death_is_made_good_at_once_and_a_row_of_them_ever_later() -> None:
    deaths, pauses = 0, []
    for _ in range(8):
        deaths = deaths_after(deaths, 0.1)
        pauses.append(pause_seconds(deaths))
    assert pauses == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert deaths_after(deaths, 60.0) == 1


@pytest.mark.slow
def test_what_dies_is_started_again_and_what_is_deaf_is_killed_at_the_end(tmp_path: Path) -> None:
    told = tmp_path / "told"
    mortal = f"import os; open({str(told)!r}, 'a').write(f'{{os.getpid()}} ')"
    deaf = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(told)!r} + 'deaf', 'w').write(str(os.getpid())); time.sleep(99)"
    )
    ended: list[int] = []
    roles = [
        Role(
            name="mortal", command=(sys.executable, "-c", mortal), environment=os.environ, ended=lambda: ended.append(1)
        ),
        Role(name="deaf", command=(sys.executable, "-c", deaf), environment=os.environ),
    ]

    def ask() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (len(ended) < 3 or not Path(f"{told}deaf").exists()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask).start()
    Supervisor(roles, inherited=(), end_seconds=0.5).run()
    assert len(set(told.read_text().split())) >= 3
    assert not psutil.pid_exists(int(Path(f"{told}deaf").read_text()))


def test_the_folder_of_a_server_that_lives_is_left_alone_and_that_of_a_killed_one_is_not(tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / "lock").touch()
    with own_folder(tmp_path) as one, own_folder(tmp_path) as other:
        assert {entry.name for entry in tmp_path.iterdir()} == {one.name, other.name}
    assert list(tmp_path.iterdir()) == []


def test_a_share_is_written_as_people_do() -> None:
    assert ApiSettings(serve_canary="12.5%").serve_canary == 0.125  # type: ignore[arg-type]
    assert ApiSettings.from_env(serve_canary="0.1").serve_canary == 0.1
    for wrong in ("110%", "ten%", "-1", "nan"):
        with pytest.raises(BadSetting, match="LAKELINE_SERVE_CANARY"):
            ApiSettings.from_env(serve_canary=wrong)


def test_another_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = ApiSettings(home=tmp_path, serve_workers=3, serve_batch=False, serve_canary="10%")  # type: ignore[arg-type]
    for name, value in settings.environment.items():
        monkeypatch.setenv(name, value)
    assert ApiSettings.from_env() == settings
