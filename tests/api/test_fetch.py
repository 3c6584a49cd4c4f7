import sys
from pathlib import Path

import pytest

from api.errors import FetchFailed
from api.fetch import ChildFetch
from api.follow import Follower
from api.placed import read_placed
from api.served import Target
from api.shelf import Shelf


def child(*code: str, timeout_seconds: float = 30.0) -> ChildFetch:
    return ChildFetch("iris", timeout_seconds=timeout_seconds, command=[sys.executable, "-c", "\n".join(code)])


def test_a_child_fills_the_folder(tmp_path: Path) -> None:
    told = "import sys; name, version, folder = sys.argv[1:]"
    child(told, "open(folder + '/served.json', 'w').write(name + version)")(Target(version=7), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["served.json"]
    assert (tmp_path / "served.json").read_text() == "iris7"


def test_the_last_words_of_a_failed_child_are_the_reason(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="version 7 of 'iris' could not be fetched: no such version"):
        child("import sys", "print('working')", "sys.exit('no such version')")(Target(version=7), tmp_path)
    with pytest.raises(FetchFailed, match=r"wrote no served\.json"):
        child("pass")(Target(version=7), tmp_path)


@pytest.mark.slow
def test_a_child_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=r"no end after 0\.5 seconds"):
        child("import time", "time.sleep(60)", timeout_seconds=0.5)(Target(version=7), tmp_path)
    stopped = child("import time", "time.sleep(60)")
    stopped.stop()
    with pytest.raises(FetchFailed, match="the server stops"):
        stopped(Target(version=7), tmp_path)


def test_a_failed_fetch_leaves_nothing_half_written(tmp_path: Path) -> None:
    placed = tmp_path / "placed.json"
    following = Follower(
        Shelf(tmp_path / "shelf"),
        placed,
        followed="iris@production",
        named=lambda: Target(version=1),
        fetch=child("import sys", "open(sys.argv[3] + '/model.ubj', 'w')", "sys.exit('the line broke')"),
    )
    following.poll()
    assert list((tmp_path / "shelf").iterdir()) == []
    assert "the line broke" in read_placed(placed).reason
