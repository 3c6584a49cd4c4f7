"""What the tags of an MLflow run and of a model version say: the stamp, once whole and once in words to search by."""

from collections.abc import Mapping
from dataclasses import replace

from lakehouse.stamp import Stamp

FINGERPRINT = "lakeline.fingerprint"
STAMP = "lakeline.stamp"
RUN = "lakeline.run"
LOGGED = "lakeline.logged"
"""On a run: the address of its model, set when all its files are in place."""
PROCESS = "lakeline.process"
WOKEN_BY = "lakeline.woken_by"
MOVING = "lakeline.moving."
"""On a registered model: an alias that is being moved."""

REJECTED = "lakeline.rejected."
"""On a version: who turned it down before an alias, and why."""

_INPUT, _TABLE = "lakeline.input.", "lakeline.table."
_LONGEST = 8000  # MLflow's limit for a run's tag


def tags_of(stamp: Stamp, process: str) -> dict[str, str]:
    """The tags of what a stamp is about."""
    tags = {FINGERPRINT: stamp.fingerprint, RUN: stamp.run, PROCESS: process}
    woken_by = stamp.extra.get("woken_by")
    if isinstance(woken_by, list):
        tags[WOKEN_BY] = ", ".join(map(str, woken_by))
    for key, read in stamp.inputs.items():
        name = key.replace("@", "/")  # a tag's name takes no "@"
        tags[_INPUT + name] = str(read.version)
        tags[_TABLE + name] = read.table
    text = stamp.encode()
    if len(text) > _LONGEST:
        bare = {key: replace(read, extra={}) for key, read in stamp.inputs.items()}
        text = replace(stamp, inputs=bare, extra={}, checks=()).encode()
    return tags | {STAMP: text} if len(text) <= _LONGEST else tags


def inputs_of(tags: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """The table versions that tags tell of, by key."""
    told = {name.removeprefix(_INPUT): value for name, value in tags.items() if name.startswith(_INPUT)}
    return {
        name.replace("/", "@"): {"table": tags.get(_TABLE + name, ""), "version": int(value)}
        for name, value in told.items()
        if value.isdigit()
    }
