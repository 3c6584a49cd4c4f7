"""Asks a database of advisories for all that uv.lock pins; where none answers, it says so and that nothing was looked at.

An old package with a known fault is asked for first: a registry without advisories knows no fault of it, and would pass
whatever is locked.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from set_up import PROJECT, found_uv, settings_of_pip

TOOL = "pip-audit==2.10.1"
SERVICES = ("pypi", "osv")
FAULTY = "jinja2==2.4.1"

ACCEPTED: Mapping[str, str] = {}
"""Advisories that are known and lived with: the identity, and why."""

Report = Mapping[str, Sequence[Mapping[str, object]]]


def main() -> None:
    environment = {**os.environ, **settings_of_pip()}
    with TemporaryDirectory() as told:
        folder = Path(told)
        (folder / "faulty.txt").write_text(FAULTY + "\n")
        service = next((name for name in SERVICES if faults(asked(folder / "faulty.txt", name, environment))), None)
        if service is None:
            print(
                f"[audit] SKIPPED: no database of advisories answers here ({', '.join(SERVICES)}); nothing was audited"
            )
            return
        locked = folder / "locked.txt"
        locked.write_text(exported(environment))
        report = asked(locked, service, environment)
    found, unknown = faults(report), skipped(report)
    for line in found:
        print(f"[audit] {line}")
    if report is None or unknown:
        sys.exit(f"error: not audited: {', '.join(unknown) or 'the database stopped answering'}")
    if found:
        sys.exit(
            f"error: {len(found)} known faults in what uv.lock pins; raise the versions, or accept one in scripts/audit.py"
        )
    print(f"[audit] no known fault in {len(report['dependencies'])} packages, says {service}")


def exported(environment: Mapping[str, str]) -> str:
    """What uv.lock pins, as a requirements file."""
    command = [found_uv(dict(environment)), "export", "--frozen", "--all-extras", "--no-emit-project", "--no-hashes"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: uv.lock cannot be read:\n{done.stderr}")
    return done.stdout


def asked(requirements: Path, service: str, environment: Mapping[str, str]) -> Report | None:
    """What the service says of these, None where it does not answer."""
    command = [found_uv(dict(environment)), "tool", "run", "--from", TOOL, "pip-audit", "--requirement", requirements]
    command += ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    done = subprocess.run(
        [*command, "--vulnerability-service", service], env=environment, capture_output=True, text=True, check=False
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        return None


def faults(report: Report | None) -> list[str]:
    """The faults that a report names and nobody has accepted."""
    return [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version'}"
        for package in (report or {}).get("dependencies", ())
        for fault in package.get("vulns", ())
        if not ACCEPTED.keys() & {fault["id"], *fault.get("aliases", ())}
    ]


def skipped(report: Report | None) -> list[str]:
    """The packages that the service knows nothing of."""
    return [package["name"] for package in (report or {}).get("dependencies", ()) if "skip_reason" in package]


if __name__ == "__main__":
    main()
