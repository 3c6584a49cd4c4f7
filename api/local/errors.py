"""What can go wrong with the platform on one machine.

PlatformError (lakehouse.errors)
├── Fatal
│   ├── PortsTaken               ports on which other programs listen
│   ├── UnknownPart              a part of the platform that there is not
│   ├── AirflowMissing           an environment without Airflow
│   ├── CredentialsUnreadable    a file of credentials that holds something else
│   └── ServiceEnded             a program of the platform that ended by itself
└── Transient
    └── ServiceSilent            a program that was started and does not answer
"""

from lakehouse.errors import Fatal, Transient


class PortsTaken(Fatal):
    """Ports on which other programs listen."""

    def __init__(self, told: tuple[str, ...]) -> None:
        super().__init__(told)
        self.told = told

    def __str__(self) -> str:
        return f"nothing was started: {'; '.join(self.told)}"


class UnknownPart(Fatal):
    """A part of the platform that there is not."""

    def __init__(self, found: str, known: tuple[str, ...]) -> None:
        super().__init__(found, known)
        self.found, self.known = found, known

    def __str__(self) -> str:
        return f"the platform has no part {self.found!r}; name some of {', '.join(self.known)}, separated by ','"


class AirflowMissing(Fatal):
    """An environment without Airflow."""

    def __init__(self, python: str) -> None:
        super().__init__(python)
        self.python = python

    def __str__(self) -> str:
        return (
            f"Airflow is not installed for {self.python!r}; install 'lakeline[airflow]', "
            "or leave it out with '--only mlflow,spark,api'"
        )


class CredentialsUnreadable(Fatal):
    """A file of credentials that holds something else."""

    def __init__(self, file: str, wanted: str) -> None:
        super().__init__(file, wanted)
        self.file, self.wanted = file, wanted

    def __str__(self) -> str:
        return f"{self.file!r} cannot be read: wanted {self.wanted}; mend it, or remove it and new ones are made"


class ServiceEnded(Fatal):
    """A program of the platform that ended by itself."""

    def __init__(self, name: str, code: int | None, log: str) -> None:
        super().__init__(name, code, log)
        self.name, self.code, self.log = name, code, log

    def __str__(self) -> str:
        told = "" if self.code is None else f" with {self.code}"
        return f"{self.name} ended{told}, and what else ran was stopped; its last lines:\n{self.log}"


class ServiceSilent(Transient):
    """A program that was started and does not answer."""

    def __init__(self, name: str, seconds: int, log: str) -> None:
        super().__init__(name, seconds, log)
        self.name, self.seconds, self.log = name, seconds, log

    def __str__(self) -> str:
        return (
            f"{self.name} was not ready after {self.seconds} s, and what else ran was stopped; LAKELINE_UP_READY_SECONDS "
            f"gives it longer; its last lines:\n{self.log}"
        )
