"""What was landed, and whether the lake and MLflow tell exactly that, whatever was killed on the way."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.crash.killing import finished
from tests.journey import raw_lake
from tests.journey.workplace import Workplace

MODEL = "sizes"
_ROWS_OF_A_FILE = 8


@dataclass(kw_only=True)
class Ledger:
    """The orders that were landed at a workplace: good ones, and bad ones that belong into the quarantine."""

    place: Workplace
    lake: Path = Path()
    good: list[int] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    files: int = 0

    def land(self) -> None:
        """Lands one more file, of good rows and a bad one."""
        first = self.files * _ROWS_OF_A_FILE
        self.files += 1
        good, bad = range(first, first + _ROWS_OF_A_FILE - 1), first + _ROWS_OF_A_FILE - 1
        lines = [f"{number},{10 + number % 90}" for number in good]
        file = self.place.folder / f"orders_{self.files}.csv"
        file.write_text("\n".join(["id,amount", *lines, f"{bad},-1"]) + "\n")
        finished(self.place, "land", str(file))
        self.good += good
        self.bad.append(bad)

    def __post_init__(self) -> None:
        if self.lake == Path():
            self.lake = self.place.lake

    def examine(self) -> None:
        """Every row is there once, every number once, the models too, and everything agrees and is fresh."""
        self.examine_tables()
        assert sorted(ids(self.lake, "gold/predictions")) == sorted(self.good)
        assert set(self.place.states().values()) == {"FRESH"}
        finished(self.place, "doctor")
        assert not list(moving(self.place.home / "mlflow.db"))

    def examine_tables(self) -> None:
        """Every row is in every table once, and every bad one in the quarantine of each version once."""
        self.examine_half_way()
        everything, good = sorted([*self.good, *self.bad]), sorted(self.good)
        assert sorted(int(str(number)) for number in ids(self.lake, "bronze/received")) == everything
        assert sorted(ids(self.lake, "silver/orders")) == good
        assert sorted(ids(self.lake, "gold/sized")) == good
        _kept_back_once(self.lake, self.bad)

    def examine_half_way(self) -> None:
        """What holds at any moment, even right after a kill."""
        for numbers in sequences(self.lake).values():
            assert numbers == list(range(1, len(numbers) + 1))
        if (self.lake / "silver" / "orders" / "_delta_log").exists():
            told = ids(self.lake, "silver/orders")
            assert not set(told) & set(self.bad), "a row that failed its check is visible"
            assert len(told) == len(set(told))
        assert not half_registered(self.place, self.lake)


def ids(lake: Path, table: str) -> list[int]:
    """The ids that a table holds now."""
    versions = sorted(int(file.stem) for file in (lake / table / "_delta_log").glob("*.json"))
    return [] if not versions else list(raw_lake.read(lake / table, versions[-1])["id"].to_pylist())


def sequences(lake: Path) -> dict[str, list[int]]:
    """The sequence numbers of each asset's stamps, in the order of its commits; without the quarantine's."""
    found: dict[str, list[int]] = {}
    for commit in raw_lake.commits(lake):
        if not commit.table.startswith("quarantine."):
            found.setdefault(commit.asset, []).append(int(str(commit.metadata["sequence"])))
    return found


def half_registered(place: Workplace, lake: Path) -> list[str]:
    """The aliases in MLflow that stand at a version which is not journaled, or whose files are not all there."""
    database = place.home / "mlflow.db"
    if not database.exists():
        return []
    journaled = {commit.published for commit in raw_lake.commits(lake) if commit.journal.get("event") == "registered"}
    query = (
        "SELECT a.alias, a.version, v.status, l.artifact_location, l.status FROM registered_model_aliases a"
        " LEFT JOIN model_versions v ON v.name = a.name AND v.version = a.version"
        " LEFT JOIN logged_models l ON v.source = 'models:/' || l.model_id"
    )
    wrong = []
    for alias, version, status, artifacts, _ in _asked(database, query):
        folder = Path(unquote(urlsplit(str(artifacts)).path))
        whole = status == "READY" and {"MLmodel"} < {file.name for file in folder.glob("*")}
        if version not in journaled or not whole:
            wrong.append(f"{alias} at version {version}, {status}, journaled {sorted(journaled)}, {folder}")
    return wrong


def count(database: Path, table: str, where: str = "true") -> int:
    """How many rows a table of MLflow's database has; 0 where it cannot be asked at the moment."""
    try:
        return int(str(next(_asked(database, f"SELECT count(*) FROM {table} WHERE {where}"))[0]))
    except sqlite3.OperationalError:
        return 0


def aliases(place: Workplace) -> dict[str, int]:
    """Where each alias of the model stands, by MLflow."""
    told = _asked(place.home / "mlflow.db", "SELECT alias, version FROM registered_model_aliases")
    return {str(alias): int(str(version)) for alias, version in told}


def moving(database: Path) -> Iterator[str]:
    """The intents that are noted in MLflow."""
    yield from (
        str(key)
        for (key,) in _asked(database, "SELECT key FROM registered_model_tags WHERE key LIKE 'lakeline.moving.%'")
    )


def events(place: Workplace) -> list[tuple[object, ...]]:
    """What the journal tells of moves and refusals: (event, alias, from, to, by, why)."""
    told = [commit.journal for commit in raw_lake.commits(place.lake) if commit.table == "ops.model_journal"]
    wanted = ("event", "alias", "from_version", "to_version", "by", "why")
    return [tuple(event[name] for name in wanted) for event in told if event["event"] != "registered"]


def _asked(database: Path, query: str) -> Iterator[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        yield from connection.execute(query).fetchall()


def _kept_back_once(lake: Path, bad: list[int]) -> None:
    """The quarantine keeps each bad row of the newest version of silver once, and none of a version twice."""
    silver = [commit for commit in raw_lake.commits(lake) if commit.table == "silver.orders"]
    kept = lake / "quarantine" / "silver" / "orders"
    newest = max(int(file.stem) for file in (kept / "_delta_log").glob("*.json"))
    table = raw_lake.read(kept, newest)
    found = Counter(zip(table["sequence"].to_pylist(), table["id"].to_pylist(), strict=True))
    assert set(found.values()) == {1}, found
    last = int(str(silver[-1].metadata["sequence"]))
    assert sorted(number for sequence, number in found if sequence == last) == sorted(bad)
