"""Sets the project up in `.lakeline/`: uv, the locked environment, Spark's jars. Needs Python 3.11 alone.

`python3 scripts/set_up.py` does what is missing; done once, it asks no network. The registry is the one that uv or pip
is set to on this machine: the lock holds versions and hashes, and no addresses.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
STATE = PROJECT / ".lakeline"
VENV = STATE / "venv"
READY = STATE / "ready"
# What pip knows and uv does not ask it for: pip's option, and uv's variable for the same.
SHARED_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  # it is this very check that older Pythons run
        sys.exit(f"error: this is Python {sys.version.split()[0]}; wanted 3.11 or newer: make PYTHON=python3.12 ...")
    wanted = fingerprint()
    if READY.exists() and READY.read_text() == wanted and (VENV / "bin" / "lakeline").exists():
        return
    started = time.monotonic()
    STATE.mkdir(exist_ok=True)
    environment = {**os.environ, **settings_of_pip(), "UV_PROJECT_ENVIRONMENT": str(VENV), "VIRTUAL_ENV": str(VENV)}
    uv = found_uv(environment)
    say("making the environment (about 2 GB, once) ...")
    if not (VENV / "bin" / "python").exists():
        python = sys.executable if sys.version_info < (3, 13) else ">=3.11,<3.13"
        run([uv, "venv", "--quiet", "--allow-existing", "--python", python, VENV], environment)
    pins = STATE / "requirements.txt"
    told = run([uv, "export", "--quiet", "--frozen", "--all-extras", "--no-emit-project"], environment, is_kept=True)
    pins.write_text(told)
    # At a terminal uv shows its progress; elsewhere it would print a line for each of 250 packages.
    run([uv, "pip", "sync", *([] if sys.stderr.isatty() else ["--quiet"]), "--require-hashes", pins], environment)
    run([uv, "pip", "install", "--quiet", "--no-deps", "--editable", PROJECT], environment)
    run([VENV / "bin" / "python", "-m", "lakehouse.jars"], environment)
    READY.write_text(wanted)
    say(f"set up in {time.monotonic() - started:.0f} s")


def fingerprint() -> str:
    """Differs where what is to be installed differs."""
    files = ("pyproject.toml", "uv.lock", "lakehouse/jars.toml", "scripts/set_up.py")
    return hashlib.sha256(b"\0".join((PROJECT / file).read_bytes() for file in files)).hexdigest()


def found_uv(environment: dict[str, str]) -> str:
    """The machine's uv, or one of our own in `.lakeline/uv`."""
    on_path = shutil.which("uv")
    if on_path:
        return on_path
    own = STATE / "uv"
    if not (own / "bin" / "uv").exists():
        say("installing uv ...")
        made = subprocess.run([sys.executable, "-m", "venv", own], capture_output=True, check=False)
        if made.returncode == 0:
            run([own / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"], environment)
        else:  # Debian's Python makes no environments without its package python3-venv
            run([sys.executable, "-m", "pip", "install", "--quiet", "--prefix", own, "uv"], environment)
    return str(next(own.glob("**/bin/uv"), own / "bin" / "uv"))


def settings_of_pip() -> dict[str, str]:
    """The registry, certificates and proxy that pip is set to, in uv's words; what uv is set to itself counts more."""
    listing = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(listing, capture_output=True, text=True, check=False)
    told = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        variable = SHARED_SETTINGS.get(name.rpartition(".")[2])
        if variable and not os.environ.get(variable):
            told[variable] = value.strip().strip("'\"")
    return told


def run(command: list[object], environment: dict[str, str], *, is_kept: bool = False) -> str:
    words = [str(word) for word in command]
    output = subprocess.PIPE if is_kept else None
    done = subprocess.run(words, env=environment, cwd=PROJECT, stdout=output, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(words)} ended with {done.returncode}; the reason stands above")
    return done.stdout or ""


def say(text: str) -> None:
    print(f"[set-up] {text}", flush=True)


if __name__ == "__main__":
    main()
