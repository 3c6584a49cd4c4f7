"""Moving an alias in MLflow, so that a crash or a look in between never takes our own move for somebody else's.

The intent is tagged on the registered model first and taken away last. `python -m registry.moving` does the steps for a
process that has not imported MLflow and should not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from lakehouse.errors import PlatformError
from registry.door import opened, told
from registry.errors import RegistryRefused, RegistryUnreachable
from registry.process import mark
from registry.settings import RegistrySettings
from registry.tags import MOVING

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A move that has begun and was not yet seen to its end."""

    alias: str
    to_version: int
    by: str
    why: str
    process: str
    at: datetime
    stage: str | None = None

    @property
    def tag(self) -> str:
        """The name of the tag that holds it."""
        return MOVING + self.alias

    def encode(self) -> str:
        """The value of the tag."""
        return json.dumps(asdict(self) | {"at": self.at.isoformat()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change in MLflow: an alias or a stage set to a version, or an intent noted or settled."""

    do: Literal["alias", "stage", "intend", "settle"]
    model: str
    name: str
    value: str = ""


def intend(model: str, alias: str, version: int, *, by: str, why: str, stage: str | None = None) -> Step:
    """Notes that this process is about to move an alias."""
    intent = Intent(alias=alias, to_version=version, by=by, why=why, process=mark(), at=datetime.now(UTC), stage=stage)
    return Step(do="intend", model=model, name=intent.tag, value=intent.encode())


def settle(model: str, alias: str) -> Step:
    """Notes that the move of an alias is done with."""
    return Step(do="settle", model=model, name=MOVING + alias)


def decode_intent(text: str) -> Intent | None:
    """The intent in a tag; None where it is not one of ours."""
    try:
        body = json.loads(text)
        return Intent(
            alias=str(body["alias"]),
            to_version=int(body["to_version"]),
            by=str(body["by"]),
            why=str(body["why"]),
            process=str(body["process"]),
            at=datetime.fromisoformat(body["at"]).astimezone(UTC),
            stage=body.get("stage"),
        )
    except (ValueError, TypeError, KeyError):
        return None


def carry_out(settings: RegistrySettings, steps: Sequence[Step]) -> None:
    """Does the steps in order, in this process."""
    with told(settings, "move an alias"):
        client = opened(settings)
        for step in steps:
            _do(client, step)


def carry_out_elsewhere(settings: RegistrySettings, steps: Sequence[Step]) -> None:
    """Does the steps in another process, unless this one has MLflow loaded already."""
    if not steps:
        return
    if "mlflow" in sys.modules:
        carry_out(settings, steps)
        return
    environment = {**os.environ, "LAKELINE_HOME": str(settings.home), "MLFLOW_TRACKING_URI": settings.tracking_uri}
    done = subprocess.run(
        [sys.executable, "-m", "registry.moving"],
        input=json.dumps([asdict(step) for step in steps]),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"the child ended with {done.returncode}"])[-1]
        if done.returncode == 3:
            raise RegistryUnreachable(settings.address, reason)
        raise RegistryRefused(settings.address, "move an alias", reason)


def _do(client: "MlflowClient", step: Step) -> None:
    if step.do == "alias":
        client.set_registered_model_alias(step.model, step.name, step.value)
    elif step.do == "stage":
        client.transition_model_version_stage(step.model, step.value, step.name, archive_existing_versions=True)
    elif step.do == "intend":
        client.set_registered_model_tag(step.model, step.name, step.value)
    else:
        client.delete_registered_model_tag(step.model, step.name)


def main() -> int:
    """The exit code: 0 done, 1 refused, 3 worth another try."""
    steps = [Step(**step) for step in json.load(sys.stdin)]
    try:
        carry_out(RegistrySettings.from_env(), steps)
    except PlatformError as error:
        print(getattr(error, "reason", str(error)), file=sys.stderr)
        return 3 if isinstance(error, RegistryUnreachable) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
