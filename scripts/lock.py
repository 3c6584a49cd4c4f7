"""Brings uv.lock up to pyproject.toml, without the registry's address: each machine uses the one that it is set to.

`python3 scripts/lock.py --upgrade` takes the newest versions; without it, only what no longer fits changes.
"""

import os
import re
import subprocess
import sys

from set_up import PROJECT, found_uv, settings_of_pip

NOWHERE = "https://index.invalid"


def main() -> None:
    environment = {**os.environ, **settings_of_pip()}
    command = [found_uv(environment), "lock", *sys.argv[1:]]
    done = subprocess.run(command, env=environment, cwd=PROJECT, check=False)
    if done.returncode != 0:
        sys.exit("error: nothing was locked; the reason stands above")
    lock = PROJECT / "uv.lock"
    lock.write_text(without_addresses(lock.read_text()))


def without_addresses(text: str) -> str:
    """Every address of the registry and of its files, with the host and folders taken out."""
    text = re.sub(r'registry = "[^"]*"', f'registry = "{NOWHERE}/simple"', text)
    return re.sub(r'url = "[^"]*/([^"/]+)"', rf'url = "{NOWHERE}/\1"', text)


if __name__ == "__main__":
    main()
