"""Says where a small S3 server is that the tests start: Moto's, in an environment of its own in `.lakeline/s3`, made once.

`python3 scripts/s3_server.py` prints the program's path. Nothing but the tests needs it. It keeps what it holds in memory, and
it refuses a put to a name that is taken, where that is asked for, which is what makes two writers of Delta safe.
"""

import shutil
import subprocess
import sys

from set_up import STATE

PINNED = "moto[s3,server]==5.2.5"
VENV = STATE / "s3"


def main() -> None:
    ready = VENV / "pinned"
    if not ready.exists() or ready.read_text() != PINNED:
        uv = shutil.which("uv") or str(next((STATE / "uv").glob("**/bin/uv"), "uv"))
        run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(VENV))
        run(uv, "pip", "install", "--quiet", "--python", str(VENV / "bin" / "python"), PINNED)
        ready.write_text(PINNED)
    print(VENV / "bin" / "moto_server")


def run(*command: str) -> None:
    try:
        done = subprocess.run(command, stdout=sys.stderr, check=False)
    except OSError as error:
        sys.exit(f"error: {command[0]} cannot be started: {error}; 'python3 scripts/set_up.py' brings it")
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}; the reason stands above")


if __name__ == "__main__":
    main()
