"""The commands of runs, as a person types them, and what a signal does to a real process."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.api.terminal import LAKELINE, lakeline

pytestmark = pytest.mark.slow

SLOW = '''
import os, pathlib, time
import pyarrow as pa
from assets import asset


@asset("bronze.first", engine="duckdb", code="1")
def first():
    """Made at once."""
    return pa.table({"id": [1]})


@asset("silver.slow", inputs={"rows": "bronze.first"}, engine="duckdb", code="1")
def slow(rows):
    """Sleeps as long as the folder says."""
    pathlib.Path("begun").touch()
    time.sleep(float(os.environ.get("SLEEPS", "0")))
    return rows


@asset("gold.after", inputs={"rows": "silver.slow"}, engine="duckdb", code="1")
def after(rows):
    """Reads it."""
    return rows
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "slowly")
    (tmp_path / "slowly.py").write_text(SLOW)
    return tmp_path


def started(folder: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """A command in a process group of its own, as soon as the folder says that it has begun."""
    process = subprocess.Popen(
        [LAKELINE, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (folder / "begun").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_order_and_the_next_run_goes_on(folder: Path, number: signal.Signals) -> None:
    process = started(folder, "run", SLEEPS="600")
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert time.monotonic() - began < 60
    assert "Traceback" not in err
    assert "interrupted; published: bronze.first v0; not published: silver.slow, gold.after" in err
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines() if "." in line.split(" ")[0]}
    assert rows == {"bronze.first": "made", "silver.slow": "interrupted", "gold.after": "left"}
    said = lakeline("run", "--json", folder=folder)
    assert isinstance(said.json, dict)
    assert [(o["key"], o["action"]) for o in said.json["outcomes"]] == [
        ("bronze.first", "fresh"),
        ("silver.slow", "made"),
        ("gold.after", "made"),
    ]


def test_a_second_signal_ends_the_process_at_once(folder: Path) -> None:
    process = started(folder, "run", SLEEPS="600")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "once more ends it at once" not in process.stderr.readline():
        assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert time.monotonic() - began < 10
    assert "interrupted twice; what was published stays" in err
    assert lakeline("run", folder=folder).code == 0


def test_a_signal_before_the_run_ends_the_command(folder: Path) -> None:
    (folder / "slowly.py").write_text("import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(600)\n")
    process = started(folder, "run")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "interrupted before anything was made" in err
    assert "Traceback" not in err


def test_a_run_in_json_tells_what_was_interrupted(folder: Path) -> None:
    process = started(folder, "run", "--json", SLEEPS="600")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    import json

    told = json.loads(out)
    assert told["ok"] is False
    assert [outcome["action"] for outcome in told["outcomes"]] == ["made", "interrupted", "left"]


def test_runs_are_listed_and_shown_beside_the_command_that_makes_them(folder: Path) -> None:
    assert lakeline("run", "bronze.first", folder=folder).code == 0
    told = lakeline("run", "--json", "--jobs", "1", folder=folder).json
    assert isinstance(told, dict)
    listed = lakeline("runs", "--json", folder=folder).json
    assert isinstance(listed, list)
    assert [(run["selection"], [made["key"] for made in run["made"]]) for run in listed] == [
        (None, ["silver.slow", "gold.after"]),
        ("bronze.first", ["bronze.first"]),
    ]
    assert listed[0]["run"] == told["run"]
    for name in (told["run"], told["run"][:-1]):
        shown = lakeline("run", "show", name, "--json", folder=folder).json
        assert isinstance(shown, dict)
        assert [(made["key"], made["version"], made["rows"], made["inputs"]) for made in shown["versions"]] == [
            ("silver.slow", 0, 1, {"bronze.first": 0}),
            ("gold.after", 0, 1, {"silver.slow": 0}),
        ]
    people = lakeline("run", "show", told["run"], folder=folder)
    assert people.out.splitlines()[0].startswith(f"run {told['run']}, started 20")
    assert people.out.splitlines()[2].split()[:5] == ["silver.slow", "v0", "1", "bronze.first", "v0"]
    unknown = lakeline("run", "show", "x", folder=folder)
    assert (unknown.code, unknown.out) == (2, "")
    assert f"did you mean {told['run']}" in unknown.err


def test_a_run_held_to_an_older_input_is_told_in_the_plan_and_by_its_stamp(folder: Path) -> None:
    lakeline("run", folder=folder)
    assert lakeline("run", "bronze.first", "--force", folder=folder).code == 0
    lakeline("run", folder=folder)
    planned = lakeline("plan", "silver.slow", "--at", "bronze.first@0", folder=folder)
    assert "input bronze.first v1 -> v0; input bronze.first pinned to v0" in planned.out
    assert "lakeline run silver.slow --at bronze.first@0" in planned.out
    assert lakeline("run", "silver.slow", "--at", "bronze.first@0", folder=folder).code == 0
    listed = lakeline("runs", "--json", folder=folder).json
    assert isinstance(listed, list)
    assert "bronze.first pinned to v0" in lakeline("run", "show", listed[0]["run"], folder=folder).out
    assert "input bronze.first v0 -> v1" in lakeline("plan", folder=folder).out
