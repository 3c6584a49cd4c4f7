import shutil
from pathlib import Path

from lakehouse.files import LocalFiles
from lakehouse.table import Location
from lakehouse.tail import End, Tail, follow
from tests.lakehouse.written_log import added, commit, described, info


class CountedFiles(LocalFiles):
    """Counts how often a folder is listed."""

    def __init__(self) -> None:
        self.listings = 0

    def names(self, folder: Location, *, with_folders: bool = True) -> list[str]:
        self.listings += 1
        return super().names(folder, with_folders=with_folders)


def made(path: Path, *versions: int, table_id: str = "t") -> Location:
    """A table's place after some commits; the first of them describes the table."""
    for place, version in enumerate(versions):
        first = [described(table_id)] if place == 0 and version == 0 else []
        commit(path, version, info(), *first, added(f"{table_id}-{version}", 1))
    return Location(uri=str(path))


def seen(path: Path, end: End | None = None) -> Tail:
    return follow(LocalFiles(), Location(uri=str(path)), end)


def test_all_versions_of_a_table_that_was_never_seen_are_new(tmp_path: Path) -> None:
    made(tmp_path, 0, 1, 2)
    assert seen(tmp_path).newer == (0, 2)


def test_only_later_versions_are_new(tmp_path: Path) -> None:
    made(tmp_path, 0, 1)
    end = seen(tmp_path).end
    assert seen(tmp_path, end) == Tail(end=end)
    made(tmp_path, 2, 3, 4)
    assert seen(tmp_path, end).newer == (2, 4)
    assert seen(tmp_path, seen(tmp_path, end).end).newer is None


def test_a_quiet_table_costs_one_listing(tmp_path: Path) -> None:
    location = made(tmp_path, 0, 1)
    end = seen(tmp_path).end
    files = CountedFiles()
    assert follow(files, location, end).newer is None
    assert files.listings == 1


def test_a_place_without_a_table_costs_one_listing(tmp_path: Path) -> None:
    files, nowhere = CountedFiles(), Location(uri=str(tmp_path / "none"))
    first = follow(files, nowhere, None)
    assert first == Tail(end=End())
    assert follow(files, nowhere, first.end) == first
    assert files.listings == 2


def test_a_table_that_was_dropped_and_made_again_is_new(tmp_path: Path) -> None:
    made(tmp_path, 0, 1, 2, 3)
    end = seen(tmp_path).end
    shutil.rmtree(tmp_path / "_delta_log")
    dropped = seen(tmp_path, end)
    assert dropped == Tail(end=End())
    made(tmp_path, 0, 1, table_id="u")
    assert seen(tmp_path, dropped.end).newer == (0, 1)
    assert seen(tmp_path, end).newer == (0, 1)


def test_a_table_that_was_made_again_with_as_many_versions_is_new(tmp_path: Path) -> None:
    made(tmp_path, 0, 1)
    end = seen(tmp_path).end
    shutil.rmtree(tmp_path / "_delta_log")
    made(tmp_path, 0, 1, table_id="another")
    assert seen(tmp_path, end).newer == (0, 1)


def test_a_log_that_was_cleaned_up_to_its_checkpoint_goes_on(tmp_path: Path) -> None:
    made(tmp_path, 0, 1, 2)
    log = tmp_path / "_delta_log"
    for file in log.glob("*.json"):
        file.unlink()
    (log / f"{2:020}.checkpoint.parquet").write_bytes(b"")
    end = seen(tmp_path).end
    assert seen(tmp_path).newer == (2, 2)
    assert seen(tmp_path, end).newer is None
    made(tmp_path, 3)
    assert seen(tmp_path, end).newer == (3, 3)
