"""Load on a server of this machine: bombardier, built with Go into `.lakeline/go`, once."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving_process import STATE, on_core

MODULE, VERSION = "github.com/codesenberg/bombardier", "v1.2.6"
CLIENT_CORE = 1
_OWN = STATE / "go" / "bombardier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is sent again and again."""

    url: str
    body: str
    kind: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of a time under load; latencies in milliseconds. `failed` is whatever was not answered with 2xx."""

    per_second: float
    p50: float
    p99: float
    worst: float
    answered: int
    failed: int
    errors: tuple[str, ...]


def built() -> Path:
    """The program, built unless it is here."""
    program = _OWN / "bombardier"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        sys.exit("error: the load generator bombardier is built with Go, which is not here; install Go")
    # A module of its own, for 'go install' asks for a list of all versions, which not every proxy has.
    _OWN.mkdir(parents=True, exist_ok=True)
    (_OWN / "go.mod").write_text(f"module lakeline.local\n\ngo 1.24\n\nrequire {MODULE} {VERSION}\n")
    command = [go, "build", "-mod=mod", "-o", str(program), MODULE]
    if subprocess.run(command, cwd=_OWN, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended badly; the reason stands above")
    return program


def attack(asked: Asked, *, connections: int, seconds: int) -> Load:
    """Keeps so many connections busy, each with one request at a time, from the client's core."""
    began = begin(asked, connections=connections, seconds=seconds)
    return ended(began)


def begin(asked: Asked, *, connections: int, seconds: int) -> "subprocess.Popen[str]":
    """Starts the load, for a caller who has something to do meanwhile."""
    told = ("-m", "POST", "-H", f"Content-Type: {asked.kind}", "-b", asked.body)
    shape = ("-c", str(connections), "-d", f"{seconds}s", "-t", "10s", "-l", "-o", "json", "-p", "r")
    command = [*on_core(CLIENT_CORE), str(built()), *shape, *told, asked.url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ended(began: "subprocess.Popen[str]") -> Load:
    """What came of it, once it is over."""
    text, _ = began.communicate()
    if began.returncode != 0:
        sys.exit(f"error: bombardier ended with {began.returncode}: {text}")
    return _load(json.loads(text)["result"])


def _load(found: Mapping[str, object]) -> Load:
    latency = found["latency"]
    assert isinstance(latency, dict)
    counts = {name: int(str(found[name])) for name in ("req1xx", "req2xx", "req3xx", "req4xx", "req5xx", "others")}
    answered = counts.pop("req2xx")
    errors = found.get("errors")
    return Load(
        per_second=answered / float(str(found["timeTakenSeconds"])),
        p50=latency["percentiles"]["50"] / 1000,
        p99=latency["percentiles"]["99"] / 1000,
        worst=latency["max"] / 1000,
        answered=answered,
        failed=sum(counts.values()),
        errors=tuple(f"{each['description']} ({each['count']})" for each in errors) if isinstance(errors, list) else (),
    )
