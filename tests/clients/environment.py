"""An environment of their own for clients that other makers ship, as pinned in `requirements.txt`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PINS = Path(__file__).parent / "requirements.txt"
_VENV = PROJECT / ".lakeline" / "clients"


def python() -> Path:
    """The interpreter beside the clients; the environment is made where it does not hold what is pinned."""
    found, ready = _VENV / "bin" / "python", _VENV / "pins"
    if ready.exists() and ready.read_text() == PINS.read_text():
        return found
    uv = shutil.which("uv") or str(next((PROJECT / ".lakeline" / "uv").glob("**/bin/uv"), "uv"))
    for words in (
        ("venv", "--quiet", "--allow-existing", "--python", sys.executable, _VENV),
        ("pip", "sync", "--quiet", "--python", found, "--require-hashes", PINS),
    ):
        done = subprocess.run([uv, *words], capture_output=True, text=True, check=False, timeout=500)
        if done.returncode != 0:
            pytest.skip(f"the clients cannot be installed: {done.stderr.strip()[-500:]}")
    ready.write_text(PINS.read_text())
    return found
