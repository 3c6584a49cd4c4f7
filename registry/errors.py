"""Every error that leaves the registry.

PlatformError
├── Fatal                    running again cannot help
│   ├── UnknownModel         a model that nothing has registered
│   ├── UnknownVersion       a version of a model that nothing has registered
│   ├── UnknownAlias         an alias that no gate leads to
│   ├── NothingToPromote     an alias before the gate that no version has
│   ├── NotBetter            a promotion of a worse model without a reason
│   ├── ModelRefused         a trained model that does not fit what is said of it
│   ├── ModelUnsupported     a kind of model that cannot be kept or served
│   ├── ModelUnreadable      a registered model whose files cannot be read
│   ├── FeaturesMissing      rows without the columns that a model takes
│   ├── NoProbabilities      a model that tells no probabilities
│   ├── AccessRefused        MLflow does not let us in
│   └── RegistryRefused      MLflow does not do what was asked
└── Transient
    └── RegistryUnreachable  MLflow does not answer, or its database is busy
"""

from collections.abc import Sequence

from lakehouse.errors import Fatal, Transient


class UnknownModel(Fatal):
    """A model that nothing has registered."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return f"no model is registered as {self.name!r}; {_known('models', self.known)}"


class UnknownVersion(Fatal):
    """A version of a model that nothing has registered."""

    def __init__(self, name: str, version: int, known: tuple[int, ...], where: str) -> None:
        super().__init__(name, version, known, where)
        self.name, self.version, self.known, self.where = name, version, known, where

    def __str__(self) -> str:
        return f"{self.name!r} has no version {self.version} in {self.where}; {_known('versions', self.known)}"


class UnknownAlias(Fatal):
    """An alias that no gate leads to."""

    def __init__(self, alias: str, known: tuple[str, ...]) -> None:
        super().__init__(alias, known)
        self.alias, self.known = alias, known

    def __str__(self) -> str:
        return f"no model can be moved to {self.alias!r}; {_known('aliases', self.known)}"


class NothingToPromote(Fatal):
    """An alias before the gate that no version has."""

    def __init__(self, name: str, waiting: str, alias: str) -> None:
        super().__init__(name, waiting, alias)
        self.name, self.waiting, self.alias = name, waiting, alias

    def __str__(self) -> str:
        todo = (
            f"'lakeline promote {self.name} --to staging'" if self.waiting == "staging" else "'lakeline run' trains one"
        )
        return f"no version of {self.name!r} is {self.waiting}, so nothing waits for {self.alias}; {todo}"


class NotBetter(Fatal):
    """A promotion of a worse model without a reason."""

    def __init__(self, name: str, version: int, alias: str, reasons: tuple[str, ...]) -> None:
        super().__init__(name, version, alias, reasons)
        self.name, self.version, self.alias, self.reasons = name, version, alias, reasons

    def __str__(self) -> str:
        told = "; ".join(self.reasons)
        return f"version {self.version} of {self.name!r} was not moved to {self.alias!r}: {told}; say why it should be"


class ModelRefused(Fatal):
    """A trained model that does not fit what is said of it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"the trained model {self.name!r} is refused: {self.reason}"


class ModelUnsupported(Fatal):
    """A kind of model that cannot be kept or served."""

    def __init__(self, name: str, kind: str, supported: tuple[str, ...]) -> None:
        super().__init__(name, kind, supported)
        self.name, self.kind, self.supported = name, kind, supported

    def __str__(self) -> str:
        return f"the model {self.name!r} is of the kind {self.kind!r}; wanted {' or '.join(self.supported)}"


class ModelUnreadable(Fatal):
    """A registered model whose files cannot be read."""

    def __init__(self, name: str, version: int, reason: str) -> None:
        super().__init__(name, version, reason)
        self.name, self.version, self.reason = name, version, reason

    def __str__(self) -> str:
        return f"version {self.version} of the model {self.name!r} cannot be read: {self.reason}"


class FeaturesMissing(Fatal):
    """Rows without the columns that a model takes."""

    def __init__(self, name: str, version: int, missing: tuple[str, ...], found: tuple[str, ...]) -> None:
        super().__init__(name, version, missing, found)
        self.name, self.version, self.missing, self.found = name, version, missing, found

    def __str__(self) -> str:
        model = f"version {self.version} of the model {self.name!r}"
        return (
            f"{model} takes {', '.join(self.missing)}, and the rows have only {', '.join(self.found) or 'no columns'}"
        )


class NoProbabilities(Fatal):
    """A model that tells no probabilities."""

    def __init__(self, name: str, version: int, kind: str) -> None:
        super().__init__(name, version, kind)
        self.name, self.version, self.kind = name, version, kind

    def __str__(self) -> str:
        return f"version {self.version} of the model {self.name!r} is {self.kind}, which tells no probabilities"


class AccessRefused(Fatal):
    """MLflow does not let us in."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address, self.reason = address, reason

    def __str__(self) -> str:
        wanted = "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        return f"MLflow at {self.address!r} does not let us in: {self.reason}; {wanted}"


class RegistryRefused(Fatal):
    """MLflow does not do what was asked."""

    def __init__(self, address: str, what: str, reason: str) -> None:
        super().__init__(address, what, reason)
        self.address, self.what, self.reason = address, what, reason

    def __str__(self) -> str:
        return f"MLflow at {self.address!r} did not {self.what}: {self.reason}"


class RegistryUnreachable(Transient):
    """MLflow does not answer, or its database is busy."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address, self.reason = address, reason

    def __str__(self) -> str:
        return f"MLflow at {self.address!r} does not answer: {self.reason}"


def _known(what: str, names: Sequence[object]) -> str:
    return f"known {what}: {', '.join(map(str, names))}" if names else f"there are no {what} yet"
