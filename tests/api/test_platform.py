import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from api.local import processes
from api.local.errors import ServiceEnded, ServiceSilent
from api.local.processes import Started
from api.local.running import Running
from api.local.service import Service
from api.local.signals import Asked, Interrupted

SLEEPER = "import subprocess, sys, time; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); "


def service(tmp_path: Path, name: str, code: str, *, ends: int = 0, before: tuple[str, ...] = ()) -> Service:
    log = tmp_path / f"{name}.log"
    return Service(
        name=name,
        command=(sys.executable, "-c", code),
        environment=dict(os.environ),
        log=log,
        is_ready=lambda since: since <= datetime.now(UTC) and bool(log.exists() and log.read_text()),
        ends=ends,
        before=before,
    )


def running(
    *services: Service, asked: Asked | None = None, lines: list[str] | None = None, ready_seconds: float = 10
) -> Running:
    told: list[str] = [] if lines is None else lines
    return Running(
        services,
        recorded=lambda started: None,
        report=told.append,
        asked=asked or Asked(),
        ready_seconds=ready_seconds,
        drain_seconds=10,
    )


@pytest.mark.slow
def test_services_begin_and_end_in_order_with_all_that_they_started(tmp_path: Path) -> None:
    stay = (
        "import signal; signal.signal(signal.SIGTERM, lambda *_: (print('ends', time.time(), flush=True), sys.exit(0)))"
    )
    both = [
        service(tmp_path, name, f"{SLEEPER}{stay}; time.sleep(60)", ends=ends) for name, ends in (("b", 1), ("a", 0))
    ]
    platform = running(*both)
    platform.begin()
    assert all(state.is_ready for state in platform.states())
    children = [int((tmp_path / f"{name}.log").read_text().split()[0]) for name in "ab"]
    assert all(psutil.pid_exists(child) for child in children)
    platform.end()
    first, last = ((tmp_path / f"{name}.log").read_text().split()[2] for name in "ab")
    assert float(first) < float(last)
    assert not any(lives(pid) for pid in (*children, platform.pid("a"), platform.pid("b")))


def test_what_does_not_end_is_killed_at_the_second_asking(tmp_path: Path) -> None:
    deaf = f"{SLEEPER}import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    asked = Asked()
    platform = running(service(tmp_path, "deaf", deaf), asked=asked)
    platform.begin()
    asked.times = 2
    platform.end()
    assert not lives(platform.pid("deaf"))
    assert not lives(int((tmp_path / "deaf.log").read_text().split()[0]))


@pytest.mark.slow
def test_what_dies_is_started_again_until_it_dies_too_often(tmp_path: Path) -> None:
    lines: list[str] = []
    platform = running(service(tmp_path, "mortal", f"{SLEEPER}time.sleep(60)"), lines=lines)
    platform.begin()
    try:
        for count in range(1, 4):
            kill(platform.pid("mortal"))
            platform.heal()
            (state,) = platform.states()
            assert state.restarts == count
        assert "mortal ended with -9 and is started again" in lines[-1]
        kill(platform.pid("mortal"))
        with pytest.raises(ServiceEnded, match="mortal ended with -9"):
            platform.heal()
    finally:
        platform.end()
    children = {int(line) for line in (tmp_path / "mortal.log").read_text().split()}
    assert not any(lives(child) for child in children)


def test_what_ends_while_it_starts_is_told_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ServiceEnded, match=r"wrong ended with 3.*\nno such table"):
        running(
            service(tmp_path, "wrong", "import sys; sys.exit(print('no such table', file=sys.stderr) or 3)")
        ).begin()


def test_what_must_go_before_is_told_where_it_fails(tmp_path: Path) -> None:
    late = service(tmp_path, "late", "", before=(sys.executable, "-c", "raise SystemExit('no database')"))
    with pytest.raises(ServiceEnded, match="no database"):
        running(late).begin()


@pytest.mark.slow
def test_what_never_answers_is_told(tmp_path: Path) -> None:
    platform = running(service(tmp_path, "mute", "import time; time.sleep(60)"), ready_seconds=0.3)
    with pytest.raises(ServiceSilent, match="mute was not ready"):
        platform.begin()
    platform.end()


def test_a_start_is_given_up_when_the_end_is_asked_for(tmp_path: Path) -> None:
    platform = running(service(tmp_path, "mute", "import time; time.sleep(60)"), asked=Asked(times=1))
    with pytest.raises(Interrupted):
        platform.begin()
    platform.end()


def test_a_number_that_is_another_process_s_now_is_left_alone() -> None:
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        born = psutil.Process(other.pid).create_time()
        gone = Started(name="gone", pid=other.pid, started_at=born - 1000, ends=0, log="")
        processes.end([gone], wait_seconds=0, is_hastened=lambda: True, report=print)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while lives(pid):
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
