"""A table that real writers of Delta work on, and what real readers see of it after each commit."""

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import deltalake
import pyarrow as pa

from lakehouse.stamp import InputVersion, Stamp

if TYPE_CHECKING:
    import duckdb

KEY = "silver.real"


@dataclass
class RealTable:
    """Works on a table by name of an operation; `effective` and `rows` say what the history should."""

    path: Path
    duck: "duckdb.DuckDBPyConnection"
    contents: dict[int, object] = field(default_factory=dict)
    effective: dict[int, int] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)
    newest: int = -1
    first: int = 0
    writes: int = 0
    columns: int = 1

    def work(self, operation: str, number: int) -> None:
        """One operation; the number chooses what it is done with."""
        if self.newest < 0:
            self.append(number)
        getattr(self, operation)(number)

    @property
    def table(self) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(self.path)

    def append(self, number: int) -> None:
        self._write(number, "append")

    def overwrite(self, number: int) -> None:
        self._write(number, "overwrite")

    def replace_where(self, number: int) -> None:
        self.writes += 1
        chosen = pa.table({"c0": pa.array([self.writes * 10], pa.int64())})
        deltalake.write_deltalake(self.path, self._wide(chosen), mode="overwrite", predicate=f"c0 = {self.writes * 10}")
        self._look()

    def delete(self, number: int) -> None:
        self.table.delete(f"c0 % 3 = {number % 3}")
        self._look()

    def delete_all(self, number: int) -> None:
        self.table.delete()
        self._look()

    def update(self, number: int) -> None:
        self.table.update(updates={"c0": "c0 + 100000"}, predicate=f"c0 % 2 = {number % 2}")
        self._look()

    def optimize(self, number: int) -> None:
        self.table.optimize.compact()
        self._look()

    def vacuum(self, number: int) -> None:
        self.table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        self._look()

    def restore(self, number: int) -> None:
        """To a version, or to its time; files that were vacuumed away are missed by the readers, and so not chosen."""
        target = self.first + number % (self.newest + 1 - self.first)
        try:
            self.table.restore(target)
        except deltalake.exceptions.DeltaError:
            return
        self._look(restored=target)

    def restore_time(self, number: int) -> None:
        """To a time; which version that was, its content tells."""
        at = self.table.history()[-1 - number % (self.newest + 1 - self.first)]["timestamp"]
        try:
            self.table.restore(datetime.fromtimestamp(at / 1000, UTC))
        except deltalake.exceptions.DeltaError:
            return
        self._look(by_time=True)

    def checkpoint(self, number: int) -> None:
        self.table.create_checkpoint()

    def compact_log(self, number: int) -> None:
        if self.newest > self.first:
            self.table.compact_logs(self.first, self.newest)

    def clean(self, number: int) -> None:
        """A checkpoint, after which what is older in the log is cleaned away."""
        self.table.create_checkpoint()
        for file in (self.path / "_delta_log").iterdir():
            if file.name[:20].isdecimal() and int(file.name[:20]) < self.newest:
                file.unlink()
        self.first = self.newest
        self.effective[self.newest] = self.newest

    def add_column(self, number: int) -> None:
        self.table.alter.add_columns([deltalake.Field(f"c{self.columns}", deltalake.schema.PrimitiveType("string"))])
        self._look()

    def comment(self, number: int) -> None:
        self.table.alter.set_column_metadata("c0", {"comment": f"number {number}"})
        self._look()

    def property(self, number: int) -> None:
        self.table.alter.set_table_properties({"delta.checkpointInterval": str(number + 50)})
        self._look()

    def foreign(self, number: int) -> None:
        """DuckDB inserts a row."""
        self.writes += 1
        more = ", NULL" * (self.columns - 1)
        self.duck.execute(f"ATTACH '{self.path}' AS attached (TYPE delta)")
        try:
            self.duck.execute(f"INSERT INTO attached VALUES ({self.writes * 10 + 7}{more})")
        finally:
            self.duck.execute("DETACH attached")
        self._look()

    def create_or_replace(self, number: int) -> None:
        self.columns = 1
        schema = deltalake.Schema.from_arrow(pa.schema({"c0": pa.int64()}))
        deltalake.DeltaTable.create(str(self.path), schema=schema, mode="overwrite")
        self._look()

    def recreate(self, number: int) -> None:
        shutil.rmtree(self.path)
        self.newest, self.first, self.columns = -1, 0, 1
        self.contents, self.effective, self.rows = {}, {}, {}
        self._write(number, "append")

    def litter(self, number: int) -> None:
        """What lies beside the commits of other lakes."""
        log = self.path / "_delta_log"
        for name in (f".{self.newest + 1:020}.json.crc", f"{self.newest:020}.crc", f"_commit_{number}.json.tmp"):
            (log / name).write_text("{}")
        for folder in ("_staged_commits", "_commits", "_sidecars"):
            (log / folder).mkdir(exist_ok=True)
        (log / "_staged_commits" / f"{self.newest + 1:020}.0a1b.json").write_text("{}")

    def _write(self, number: int, mode: str) -> None:
        self.writes += 1
        numbers = [self.writes * 10 + place for place in range(1 + number % 4)]
        told = {"name": f"{self.writes}.csv", "size": 1, "changed": 2}
        read = InputVersion(table="files", version=self.writes, extra={"files": {f"content{self.writes}": told}})
        stamp = Stamp(asset=KEY, code="c", inputs={"landing.x": read}, run=f"r{self.writes}", sequence=self.writes)
        words = ("", stamp.encode(), "{}", '{"lakeline": 1, "asset": "silver.real"}', "né\ud83d\ude00")[number % 5]
        deltalake.write_deltalake(
            self.path,
            self._wide(pa.table({"c0": pa.array(numbers, pa.int64())})),
            mode=mode,  # type: ignore[arg-type]
            commit_properties=deltalake.CommitProperties(custom_metadata={"userMetadata": words}),
        )
        self._look()

    def _wide(self, rows: pa.Table) -> pa.Table:
        for place in range(1, self.columns):
            rows = rows.append_column(f"c{place}", pa.nulls(len(rows), pa.string()))
        return rows

    def _look(self, restored: int | None = None, *, by_time: bool = False) -> None:
        """Notes what readers see of the versions that are new, and which of them is another content."""
        self.columns = len(self.table.schema().fields)
        for version in range(self.newest + 1, self.table.version() + 1):
            relation = self.duck.sql(f"SELECT * FROM delta_scan('{self.path}', version => {version})")
            found = sorted(relation.fetchall(), key=str)
            content = str(relation.columns), str(relation.types), found, str(self.table.metadata().id)
            before = self.contents.get(version - 1)
            if by_time:
                restored = max(known for known in self.contents if self.contents[known] == content)
            if restored is not None:
                self.effective[version] = self.effective[restored]
            else:
                self.effective[version] = self.effective[version - 1] if content == before else version
            self.contents[version], self.rows[version], self.newest = content, len(found), version
