"""What a commit says about how its table came to be: JSON in `commitInfo.userMetadata`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lakehouse.table import TableVersion

FORMAT = 1
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class InputVersion:
    """One input, at the version that was read.

    `alias` is set where a model was chosen by alias. `extra` keeps what else was recorded of it, such as the files taken in.
    """

    table: str
    version: int
    alias: str | None = None
    extra: Mapping[str, object] = field(default_factory=lambda: _NOTHING)

    @property
    def table_version(self) -> TableVersion:
        """The version that was read, as a value to compare."""
        return TableVersion(table_id=self.table, version=self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found: `failed` rows out of `total`, and what was done about them.

    `measured` words what was seen by a check of something else than rows, such as a count against the one before.
    """

    name: str
    otherwise: str
    failed: int
    total: int
    measured: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a commit says about how its table came to be.

    `inputs` has what was read by its key; a model that was read by several aliases by each of them, as `models.iris@staging`.
    `sequence` counts the materializations of one asset and partition, from 1, without gaps. `extra` keeps the fields of a
    newer format, so that nothing is lost when an older program copies a stamp.
    """

    asset: str
    code: str
    inputs: Mapping[str, InputVersion]
    run: str
    sequence: int
    partition: str | None = None
    checks: tuple[CheckResult, ...] = ()
    extra: Mapping[str, object] = field(default_factory=lambda: _NOTHING)

    @property
    def reads(self) -> tuple[tuple[str, InputVersion], ...]:
        """Each asset that was read, with its version; a model that was read by several aliases stands there for each."""
        return tuple((name.partition("@")[0], read) for name, read in self.inputs.items())

    @property
    def fingerprint(self) -> str:
        """The same for two stamps exactly when the same code read the same versions, and the same files: 32 hex digits."""
        told = [self.asset, self.partition, self.code, sorted(_read(k, v) for k, v in self.inputs.items())]
        return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()[:32]

    def encode(self) -> str:
        """The JSON that goes into the commit."""
        body: dict[str, object] = dict(self.extra)
        body |= {
            "lakeline": FORMAT,
            "asset": self.asset,
            "partition": self.partition,
            "code": self.code,
            "inputs": {key: _encode_input(value) for key, value in self.inputs.items()},
            "run": self.run,
            "sequence": self.sequence,
            "checks": [_encode_check(check) for check in self.checks],
        }
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


_FIELDS = frozenset({"lakeline", "asset", "partition", "code", "inputs", "run", "sequence", "checks"})


def decode(text: object) -> Stamp | None:
    """The stamp in a commit's metadata; None where the commit is not ours or its stamp is broken."""
    if not isinstance(text, str):
        return None
    try:
        body = json.loads(text)
        if not isinstance(body, dict) or int(body["lakeline"]) < FORMAT or not is_sequence(int(body["sequence"])):
            return None
        partition = body.get("partition")
        return Stamp(
            asset=str(body["asset"]),
            code=str(body["code"]),
            inputs={str(key): _decode_input(value) for key, value in body["inputs"].items()},
            run=str(body["run"]),
            sequence=int(body["sequence"]),
            partition=None if partition is None else str(partition),
            checks=tuple(_decode_check(check) for check in body.get("checks", ())),
            extra={key: value for key, value in body.items() if key not in _FIELDS},
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def is_sequence(number: int) -> bool:
    """Whether a number can be a transaction's in Delta, and the one after it, too."""
    return abs(number) < (1 << 63) - 1


def _read(key: str, value: InputVersion) -> tuple[object, ...]:
    files = value.extra.get("files")
    return (key, value.table, value.version, *(sorted(files) if isinstance(files, dict) else ()))


def _encode_input(value: InputVersion) -> dict[str, object]:
    body: dict[str, object] = dict(value.extra) | {"table": value.table, "version": value.version}
    return body if value.alias is None else body | {"alias": value.alias}


def _decode_input(body: Mapping[str, object]) -> InputVersion:
    alias = body.get("alias")
    return InputVersion(
        table=str(body["table"]),
        version=int(str(body["version"])),
        alias=None if alias is None else str(alias),
        extra={key: value for key, value in body.items() if key not in {"table", "version", "alias"}},
    )


def _encode_check(check: CheckResult) -> dict[str, object]:
    body: dict[str, object] = {
        "name": check.name,
        "otherwise": check.otherwise,
        "failed": check.failed,
        "total": check.total,
    }
    return body if check.measured is None else body | {"measured": check.measured}


def _decode_check(body: Mapping[str, object]) -> CheckResult:
    return CheckResult(
        name=str(body["name"]),
        otherwise=str(body["otherwise"]),
        failed=int(str(body["failed"])),
        total=int(str(body["total"])),
        measured=None if body.get("measured") is None else str(body["measured"]),
    )
