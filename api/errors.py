"""What can go wrong in serving; `api.problem` tells how it is answered over HTTP.

PlatformError (lakehouse.errors)
├── Fatal
│   ├── RequestRefused           a request that cannot be answered as it is
│   │   ├── WrongContentType     a body that does not say it is JSON
│   │   ├── BodyTooLarge         a body beyond the limit
│   │   ├── BodyNotJson          a body that is no JSON
│   │   ├── BodyNotArrow         a body that is no Arrow stream
│   │   ├── InputRefused         values that are not what the model takes
│   │   ├── NotAClassifier       a model that tells no probabilities
│   │   └── NotServed            a model or a version that is not served here
│   ├── ModelBroken              a fetched model that cannot be served
│   ├── PortTaken                another program listens there
│   ├── ModelUnclear             several models, or none, where one is to be served
│   ├── NoVersionNamed           an alias that no version of a model has
│   ├── BadRow                   a field of a row that is not FIELD=VALUE
│   ├── FileThere                a file that would be written over
│   └── DemoFailed               a chapter of the demo that did not come to its end
└── Transient
    ├── NotReady                 no model is loaded yet
    └── FetchFailed              a model that could not be brought here
        └── FetchUnwanted        one that was wanted no more before it was here
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.errors import Fatal, Transient


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request: its kind, the field, the reason, and of many rows which one."""

    kind: str
    field: str | None
    reason: str
    row: int | None = None


class RequestRefused(Fatal):
    """A request that cannot be answered as it is."""


class WrongContentType(RequestRefused):
    """A body that does not say it is JSON."""

    def __init__(self, found: str | None, wanted: str = "send JSON with 'content-type: application/json'") -> None:
        super().__init__(found, wanted)
        self.found, self.wanted = found, wanted

    def __str__(self) -> str:
        told = "has no content-type" if self.found is None else f"has the content-type {self.found[:100]!r}"
        return f"the request {told}; {self.wanted}"


class BodyTooLarge(RequestRefused):
    """A body beyond the limit."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"the body is larger than {self.limit_bytes} bytes; send less at once"


class BodyNotJson(RequestRefused):
    """A body that is no JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the body is not valid JSON: {self.reason}"


class BodyNotArrow(RequestRefused):
    """A body that is no Arrow stream."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the body is no Arrow IPC stream: {self.reason}"


class InputRefused(RequestRefused):
    """Values that are not what the model takes."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(tuple(faults))
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "; ".join(map(_worded, self.faults))


def _worded(fault: Fault) -> str:
    place = f"{fault.field}: " if fault.field else ""
    return f"{place}{fault.reason}" if fault.row is None else f"row {fault.row}: {place}{fault.reason}"


class NotAClassifier(RequestRefused):
    """A model that tells no probabilities."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name!r} tells no probabilities; ask /predict for its plain answer"


class NotServed(RequestRefused):
    """A model or a version that is not served here."""

    def __init__(self, wanted: str, known: tuple[str, ...]) -> None:
        super().__init__(wanted, known)
        self.wanted, self.known = wanted, known

    def __str__(self) -> str:
        return f"{self.wanted[:200]!r} is not served here; found {', '.join(self.known) or 'no model'}"


class ModelBroken(Fatal):
    """A fetched model that cannot be served."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the model cannot be served: {self.reason}"


class PortTaken(Fatal):
    """Another program listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.host, self.port = host, port

    def __str__(self) -> str:
        return (
            f"another program listens on port {self.port} of {self.host!r}; "
            "stop it, or choose another port with LAKELINE_SERVE_PORT"
        )


class ModelUnclear(Fatal):
    """Several models, or none, where one is to be served."""

    def __init__(self, defined: tuple[str, ...]) -> None:
        super().__init__(defined)
        self.defined = defined

    def __str__(self) -> str:
        return f"the definitions hold {', '.join(self.defined) or 'no model'}; name one with --model or LAKELINE_SERVE_MODEL"


class NoVersionNamed(Fatal):
    """An alias that no version of a model has."""

    def __init__(self, name: str, alias: str) -> None:
        super().__init__(name, alias)
        self.name, self.alias = name, alias

    def __str__(self) -> str:
        return (
            f"no version of {self.name} has the alias {self.alias!r}; 'lakeline promote {self.name} --to {self.alias}'"
        )


class BadRow(Fatal):
    """A field of a row that is not FIELD=VALUE."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(found, wanted)
        self.found, self.wanted = found, wanted

    def __str__(self) -> str:
        return f"the field {self.found!r} cannot be read: {self.wanted}"


class FileThere(Fatal):
    """A file that would be written over."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file

    def __str__(self) -> str:
        return f"{self.file!r} is there already, and nothing was written; move it away or choose another key"


class DemoFailed(Fatal):
    """A chapter of the demo that did not come to its end."""

    def __init__(self, chapter: str, reason: str) -> None:
        super().__init__(chapter, reason)
        self.chapter, self.reason = chapter, reason

    def __str__(self) -> str:
        return f"the demo stopped at {self.chapter!r}: {self.reason}"


class NotReady(Transient):
    """No model is loaded yet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"no model is loaded: {self.reason}"


class FetchFailed(Transient):
    """A model that could not be brought here."""

    def __init__(self, name: str, version: int, reason: str) -> None:
        super().__init__(name, version, reason)
        self.name, self.version, self.reason = name, version, reason

    def __str__(self) -> str:
        return f"version {self.version} of {self.name!r} could not be fetched: {self.reason}"


class FetchUnwanted(FetchFailed):
    """A model that was wanted no more before it was here."""
