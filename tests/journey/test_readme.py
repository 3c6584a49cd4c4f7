"""Every command and example of the README, run as it stands there."""

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journey.workplace import LAKELINE, MODEL, PROJECT, Workplace

pytestmark = [pytest.mark.slow, pytest.mark.spark]

README = (PROJECT / "README.md").read_text()
CHANGING = (
    (re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "MLFLOW"),
    (re.compile(r"\b[0-9a-f]{8}$"), "MLFLOW"),
    (re.compile(r"\d+\.\d+( s)?$"), "SECONDS"),
)


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in the README's order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def typed(block: str) -> Iterator[tuple[list[str], list[str]]]:
    """Each command of a console block, with the output that stands below it."""
    for told in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *output = told.rstrip().splitlines()
        yield shlex.split(command, comments=True), output


def same(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, word in CHANGING:
        line = pattern.sub(word, line)
    return re.sub(r" {2,}", "  ", line.rstrip())


def read_as(said: str) -> list[str]:
    return [same(line) for line in said.rstrip().splitlines()]


@pytest.fixture
def author(place: Workplace) -> Workplace:
    """The demo's lake, with the README's definition and its test beside it."""
    definition, test = blocks("python")
    (place.folder / "flowers.py").write_text(definition)
    (place.folder / "test_flowers.py").write_text(test)
    return replace(place, settings={**place.settings, "LAKELINE_DEFINITIONS": "assets.definitions,flowers"})


def test_the_authors_example_is_made_as_it_is_told(author: Workplace) -> None:
    (exported, _), *commands = typed(blocks("console")[0])
    assert exported == ["export", "LAKELINE_DEFINITIONS=assets.definitions,flowers"]
    assert len(commands) == 2
    for words, output in commands:
        done = author.lakeline(*words[1:])
        assert done.returncode == 0, done.stderr
        assert read_as(done.stderr + done.stdout) == [same(line) for line in output]


def test_the_authors_unit_test_passes_without_any_platform(author: Workplace) -> None:
    done = author.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_flowers.py")
    assert "1 passed" in done.stdout, done.stdout


def test_the_everyday_commands_answer_what_is_told(place: Workplace) -> None:
    commands = list(typed(blocks("console")[1]))
    assert len(commands) == 6
    for words, output in commands:
        done = place.lakeline(*words[1:])
        assert done.returncode == 0, done.stderr
        assert read_as(done.stdout) == [same(line) for line in output], words


def test_the_other_commands_work(place: Workplace) -> None:
    for words, _ in typed(blocks("console")[2]):
        if words[1] in {"serve", "ui", "up"}:
            assert place.lakeline(words[1], "--help").returncode == 0
            continue
        done = place.lakeline(*words[1:], typed="y\n")
        assert done.returncode == 0, (words, done.stdout, done.stderr)


def test_a_plain_duckdb_shell_reads_the_tables(place: Workplace) -> None:
    ((words, _),) = typed(blocks("console")[3])
    program, option, query = words
    spec = find_spec("duckdb_extension_delta")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (extension,) = Path(spec.submodule_search_locations[0]).rglob("delta.duckdb_extension")
    installed = query.replace("install delta; load delta", f"load '{extension}'")
    assert installed != query
    shell = [str(Path(sys.executable).with_name(program)), "-csv", option, installed]
    done = subprocess.run(shell, cwd=place.folder, capture_output=True, text=True, check=False)
    assert done.stdout.split()[1:] == ["150"], done.stderr


def test_the_served_model_answers_what_is_told(place: Workplace) -> None:
    ((words, output),) = typed(blocks("console")[4])
    request = asked(words)
    server = subprocess.Popen(
        [LAKELINE, "serve", "--port", "0"], cwd=place.folder, env=place.environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().removeprefix("serving at ").strip()
        with httpx.Client(base_url=address, transport=httpx.HTTPTransport(retries=5)) as client:
            wait_until_ready(client)
            answer = client.post(request["path"], headers=request["headers"], content=request["body"])
    finally:
        server.terminate()
        server.wait(20)
    told = [line for line in output[1:] if line]
    assert output[0] == "HTTP/1.1 200 OK"
    assert answer.status_code == 200
    said = [f"{name}: {value}" for name, value in answer.headers.items() if name.startswith("x-model")]
    assert [same(line) for line in (*said, answer.text)] == [same(line) for line in told]

    ((words, output),) = typed(blocks("console")[5])  # what was predicted is in the lake once the server has ended
    logged = place.told(*words[1:])
    assert [same(line) for line in logged.splitlines()] == [same(line) for line in output], logged


def asked(words: list[str]) -> dict[str, Any]:
    """What a command of curl sends; the test needs no curl."""
    assert words[:2] == ["curl", "-i"]
    url, *options = words[2:]
    given = dict(zip(options[::2], options[1::2], strict=True))
    name, _, value = given["-H"].partition(": ")
    return {"path": httpx.URL(url).path, "headers": {name: value}, "body": given["-d"]}


def wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_readme_speaks_of_the_demos_model() -> None:
    assert f"lakeline promote {MODEL} --to staging" in README
