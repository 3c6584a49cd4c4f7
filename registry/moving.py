"""Moving an alias in MLflow, so that a crash or a look in between never takes our own move for somebody else's.

The intent is tagged on the registered model first, then the move is journaled, then MLflow follows, and the tag is taken
away last. `python -m registry.moving` does steps in MLflow for a process that has not imported it and should not.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from lakehouse.errors import PlatformError
from registry.aliases import STAGES, read_model
from registry.door import opened, told
from registry.errors import RegistryRefused, RegistryUnreachable
from registry.journal import Journal
from registry.process import mark
from registry.settings import RegistrySettings
from registry.tags import MOVING, REJECTED

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A move that has begun and was not yet seen to its end; `at` is also the time of its event in the journal.

    `from_version` is where MLflow had the alias when it began. Each intent has a tag of its own, named by `mark`.
    """

    alias: str
    to_version: int
    by: str
    why: str
    process: str
    at: datetime
    from_version: int | None = None
    stage: str | None = None
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def tag(self) -> str:
        """The name of the tag that holds it."""
        return f"{MOVING}{self.alias}.{self.mark}"

    def encode(self) -> str:
        """The value of the tag."""
        return json.dumps(asdict(self) | {"at": self.at.isoformat()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step in MLflow: a version looked for or tagged, an alias or a stage set to one, or an intent noted or settled."""

    do: Literal["find", "tag", "alias", "stage", "intend", "settle"]
    model: str
    name: str
    value: str = ""
    version: str = ""


def intent_of(
    settings: RegistrySettings, model: str, alias: str, version: int, *, by: str, why: str, stage: str | None = None
) -> Intent:
    """What this process is about to do to an alias that stands where MLflow has it now."""
    shown = read_model(settings, model)
    return Intent(
        alias=alias,
        to_version=version,
        by=by,
        why=why,
        process=mark(),
        at=datetime.now(UTC),
        from_version=None if shown is None else shown.aliases.get(alias),
        stage=stage,
    )


def intend(model: str, intent: Intent) -> tuple[Step, ...]:
    """Notes that this process is about to move an alias to a version, which has to be there."""
    find = Step(do="find", model=model, name="", value=str(intent.to_version))
    return find, Step(do="intend", model=model, name=intent.tag, value=intent.encode())


def follow(model: str, alias: str, version: int, stage: str | None) -> tuple[Step, ...]:
    """Sets an alias, and the old stage beside it, to a version."""
    set_alias = Step(do="alias", model=model, name=alias, value=str(version))
    return (set_alias,) if stage is None else (Step(do="stage", model=model, name=stage, value=str(version)), set_alias)


def follow_journal(settings: RegistrySettings, journal: Journal, model: str, alias: str, stage: str | None) -> None:
    """Sets an alias to where the journal has it, and again where another move was journaled meanwhile."""
    standing = journal.read().aliases(model).get(alias)
    while standing is not None:
        carry_out_elsewhere(settings, follow(model, alias, standing.version, stage))
        before, standing = standing, journal.read().aliases(model).get(alias)
        if standing is not None and (standing.model_id, standing.version) == (before.model_id, before.version):
            return


def settle(model: str, intent: Intent) -> Step:
    """Notes that a move is done with."""
    return Step(do="settle", model=model, name=intent.tag)


def turned_down(model: str, version: int, alias: str, *, by: str, why: str) -> Step:
    """Tags a version with who turned it down before an alias, and why."""
    return Step(do="tag", model=model, name=f"{REJECTED}{alias}", value=f"{by}: {why}", version=str(version))


def stages_after(settings: RegistrySettings, model: str, version: int, stage: str) -> Mapping[str, int]:
    """The newest version of each old stage, once a version has been put into one and all others were taken out of it."""
    with told(settings, f"show the versions of {model!r}"):
        found = opened(settings).search_model_versions(f"name = '{model}'")
    standing = {int(each.version): str(each.current_stage) for each in found} | {version: stage}
    newest = {held: number for number, held in sorted(standing.items()) if held in STAGES}
    return newest | {stage: version}


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
            from_version=None if body.get("from_version") is None else int(body["from_version"]),
            stage=body.get("stage"),
            mark=str(body["mark"]),
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
    if step.do == "find":
        client.get_model_version(step.model, step.value)
    elif step.do == "tag":
        client.set_model_version_tag(step.model, step.version, step.name, step.value)
    elif step.do == "alias":
        _set_alias(client, step)
    elif step.do == "stage":
        client.transition_model_version_stage(step.model, step.value, step.name, archive_existing_versions=True)
    elif step.do == "intend":
        client.set_registered_model_tag(step.model, step.name, step.value)
    else:
        client.delete_registered_model_tag(step.model, step.name)


def _set_alias(client: "MlflowClient", step: Step) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.set_registered_model_alias(step.model, step.name, step.value)
    except MlflowException:  # of two that set a new alias at once, MLflow refuses the one that comes second
        client.set_registered_model_alias(step.model, step.name, step.value)


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
