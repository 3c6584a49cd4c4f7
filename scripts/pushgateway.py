"""Says where a Prometheus Pushgateway is: one of the machine's, or one that is built with Go into `.lakeline/go`, once.

`python3 scripts/pushgateway.py` prints the program's path. Nothing but the tests needs it.
"""

import shutil
import subprocess
import sys

from set_up import STATE

MODULE, VERSION = "github.com/prometheus/pushgateway", "v1.11.1"
NAMES = ("pushgateway", "prometheus-pushgateway")
OWN = STATE / "go" / "pushgateway"


def main() -> None:
    there = next((path for name in NAMES if (path := shutil.which(name))), None)
    print(there or built())


def built() -> str:
    if not OWN.exists():
        go = shutil.which("go")
        if go is None:
            sys.exit(
                "error: neither a Pushgateway nor Go is here; install the package prometheus-pushgateway, or Go to build one"
            )
        # A module of our own, for 'go install' asks for a list of all versions, which not every proxy has.
        OWN.parent.mkdir(parents=True, exist_ok=True)
        (OWN.parent / "go.mod").write_text(f"module lakeline.local\n\ngo 1.24\n\nrequire {MODULE} {VERSION}\n")
        command = [go, "build", "-mod=mod", "-o", str(OWN), MODULE]
        done = subprocess.run(command, cwd=OWN.parent, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(command)} ended with {done.returncode}; the reason stands above")
    return str(OWN)


if __name__ == "__main__":
    main()
