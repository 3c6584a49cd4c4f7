"""The lake: every table by its key, its history from the log, and the engines that make new versions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Self

from lakehouse.anywhere import FilesAnywhere
from lakehouse.distance import Distance
from lakehouse.duck import connect, reason
from lakehouse.engine import Engine, EngineName, Transaction
from lakehouse.engines.delta_append import Appending
from lakehouse.engines.duck import DuckConnection, DuckEngine
from lakehouse.engines.duck_care import DuckCare
from lakehouse.engines.spark import SparkEngine
from lakehouse.engines.spark_care import SparkCare
from lakehouse.engines.spark_session import SparkConnection
from lakehouse.errors import (
    BadQuery,
    LogUnreadable,
    PlatformError,
    StoreUnreachable,
    TableMissing,
)
from lakehouse.files import AT_ONCE, Files
from lakehouse.history import Commit, read_history
from lakehouse.present import Present
from lakehouse.recall import Recall
from lakehouse.salvage import stamps_left
from lakehouse.settings import LakeSettings
from lakehouse.stamp import Stamp
from lakehouse.table import Location
from lakehouse.upkeep import Care
from lakehouse.views import create_views
from lakehouse.writer import writer_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

QUARANTINE = "quarantine"
RELEASED = "released"


class Lake:
    """Tables in Delta under one root; `<root>/<layer>/<name>` is the table `layer.name`."""

    def __init__(self, settings: LakeSettings, report: Callable[[str], None] = lambda line: None) -> None:
        self.settings = settings
        self._report = report
        self._spark = SparkConnection(lambda: _spark_address(settings, report))
        self._duck = DuckConnection(settings)

    @classmethod
    def from_env(cls, report: Callable[[str], None] = lambda line: None) -> Self:
        """The lake that the environment names."""
        return cls(LakeSettings.from_env(), report)

    @cached_property
    def files(self) -> Files:
        """What the log is read with."""
        return FilesAnywhere(self.settings)

    def location(self, key: str) -> Location:
        """Where a table is; `quarantine.silver.x` names what was kept back from `silver.x`."""
        return self.settings.root.child(*key.split("."))

    def tables(self) -> tuple[str, ...]:
        """The keys of all tables that at least one commit has made."""
        root = self.settings.root
        layers = [name for name in self.files.names(root) if name != QUARANTINE]
        kept_back = [f"{QUARANTINE}.{name}" for name in self.files.names(root.child(QUARANTINE))]
        keys = [
            f"{layer}.{name}"
            for layer in (*layers, *kept_back)
            for name in self.files.names(root.child(*layer.split(".")))
        ]
        return tuple(key for key in keys if self.files.names(self.location(key).child("_delta_log")))

    def history(self, key: str, location: Location | None = None) -> tuple[Commit, ...]:
        """Every commit of a table, oldest first; empty where there is no table."""
        return read_history(self.files, location or self.location(key))

    def histories(self, keys: Iterable[str] | None = None) -> Iterator[tuple[str, tuple[Commit, ...] | PlatformError]]:
        """The history of each table, or of each that is named; the error, where its log cannot be read."""
        for key in self.tables() if keys is None else keys:
            try:
                yield key, self.history(key)
            except PlatformError as error:
                yield key, self._of_one_table(error)

    def stamps_left(self, key: str) -> tuple[Stamp, ...]:
        """The stamps that can still be read of a table whose history cannot."""
        return stamps_left(self.files, self.location(key))

    def presents(self, places: Mapping[str, Location]) -> dict[str, Present | PlatformError]:
        """What the tables at some places are now, by key, where they are; the error, where a log cannot be read.

        What was read is remembered in the home folder: the next look reads the commits that are newer.
        """
        recall = Recall(self.settings.home / "cache", f"{self.settings.aws_endpoint_url or ''} {self.settings.root}")

        def look(key: str) -> Present | PlatformError | None:
            try:
                return recall.present(self.files, places[key], key)
            except PlatformError as error:
                return self._of_one_table(error)

        if self.settings.root.is_s3:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                looks = list(pool.map(look, places))
        else:
            looks = [look(key) for key in places]
        recall.keep()
        return {key: found for key, found in zip(places, looks, strict=True) if found is not None}

    def _of_one_table(self, error: PlatformError) -> PlatformError:
        """The error, where it is one table's own; a store that is away is everybody's, and is raised."""
        if isinstance(error, LogUnreadable) or (isinstance(error, StoreUnreachable) and not self.settings.root.is_s3):
            return error
        raise error

    def writer(self, key: str, commits: Sequence[Commit] | None = None) -> EngineName | None:
        """The engine that writes a table for life; None where there is no table, or no engine of ours made it.

        `commits` is its history, where that was read already.
        """
        return writer_of(self.files, self.location(key), self.history(key) if commits is None else commits)

    def engine(self, name: EngineName) -> Engine:
        """An engine of that name, for one asset at a time; Spark is started or found by its first frame."""
        return SparkEngine(self._spark) if name == "spark" else DuckEngine(self.settings, self._duck)

    def care(self, name: EngineName) -> Care:
        """What keeps the tables of an engine small."""
        return SparkCare(self._spark) if name == "spark" else DuckCare(self.settings)

    def read_arrow(self, key: str, version: int | None = None, location: Location | None = None) -> "pa.Table":
        """A table as Arrow, at a version or as it is now; read by DuckDB."""
        place = location or self.location(key)
        if version is None:
            history = self.history(key, place)
            if not history:
                raise TableMissing(place.uri)
            version = history[-1].version
        return DuckEngine(self.settings, self._duck).read_arrow(place, version)

    def check_readable(self, location: Location, version: int) -> None:
        """Raises where a version cannot be read, such as one whose files were removed; reads no rows."""
        self.count(location, version)

    def count(self, location: Location, version: int) -> int:
        """How many rows a version has, for a log that does not tell."""
        return DuckEngine(self.settings, self._duck).count(location, version)

    def reconnect(self) -> None:
        """Looks for the Spark server anew when it is needed next."""
        self._spark.forget()

    def rows_between(self, location: Location, before: int, after: int) -> tuple[int, int]:
        """How many rows the later version has that the earlier had not, and how many it no longer has."""
        return DuckEngine(self.settings, self._duck).rows_between(location, before, after)

    def distances(self, location: Location, before: int, after: int) -> tuple[Distance, ...]:
        """How far each numeric column that two versions of a table both have moved between them."""
        return DuckEngine(self.settings, self._duck).distances(location, before, after)

    def append(self, key: str, rows: "pa.Table", *, metadata: str, after: int | None = None) -> int:
        """Appends rows in one commit by delta-rs and returns its version; only for tables that Spark never writes.

        `after` is the newest version that may be there, -1 for none; on top of another one it is `CommitTaken`.
        """
        return self._appending(key).after(rows, metadata, after)

    def append_once(self, key: str, rows: "pa.Table", *, metadata: str, transaction: Transaction) -> int:
        """Appends rows like `append`; a transaction that is there, or a later one of its application, makes no second commit."""
        return self._appending(key).once(rows, metadata, transaction)

    def last_transaction(self, key: str, application: str) -> int:
        """The number of the last transaction that an application committed to a table; 0 for none."""
        return self._appending(key).last(application)

    def _appending(self, key: str) -> Appending:
        return Appending(self.settings, self.files, key, self.location(key))

    def duckdb(self) -> "duckdb.DuckDBPyConnection":
        """A connection with each table as a view, and the log as `lakeline.history`, `.stamps`, `.lineage` and `.at()`.

        A table whose log cannot be read has no view; that is reported.
        """
        connection = connect(self.settings)
        tables = {}
        for key, found in self.histories():
            if isinstance(found, PlatformError):
                self._report(f"{key} has no view: {found}")
            else:
                tables[key] = (self.location(key), found)
        create_views(connection, tables, self.settings.root)
        return connection

    def query(self, sql: str) -> "pa.Table":
        """The rows that a SQL query over `duckdb()` answers; what is no query is not begun."""
        import duckdb

        try:
            connection = self.duckdb()
            kinds = {statement.type.name for statement in connection.extract_statements(sql)}
            # What PIVOT needs it makes itself, and that is gone with the connection.
            if changing := kinds - ({"SELECT"} if "create" in sql.lower() else {"SELECT", "CREATE"}):
                raise BadQuery(f"{sorted(changing)[0]} is no question; wanted a SELECT, which changes nothing")
            answer = connection.sql(sql)
            if answer is None:
                raise BadQuery("it answers no rows; wanted a SELECT")
            return answer.to_arrow_table()
        except duckdb.Error as error:
            raise BadQuery(reason(str(error))) from error
        except RuntimeError as error:
            if "interrupted" in str(error):  # so DuckDB tells of Ctrl-C
                raise KeyboardInterrupt from error
            raise


def _spark_address(settings: LakeSettings, report: Callable[[str], None]) -> str:
    # What starts a server is of no use to the commands that read the log, which should answer at once.
    from lakehouse import spark_server

    return spark_server.ensure(settings, report)
