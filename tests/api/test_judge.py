from datetime import UTC, datetime
from pathlib import Path

from api.canary import Ended, end_canary
from api.judge import Judge
from api.served import Target
from api.settings import ApiSettings
from api.untold import untold
from lakehouse.errors import StoreUnreachable

END = Ended(target=Target(version=2, run_id="run2"), why="it failed", at=datetime(2026, 11, 1, 12, tzinfo=UTC))


def test_an_end_that_cannot_be_journaled_is_told_by_the_next_server(tmp_path: Path) -> None:
    settings, first, second = ApiSettings(home=tmp_path), tmp_path / "first", tmp_path / "second"
    told: list[Ended] = []

    def away(end: Ended) -> None:
        told.append(end)
        raise StoreUnreachable("the lake", "connection refused")

    for run in (first, second):
        run.mkdir()
    judge = Judge(settings, first, away)
    judge.tell()
    assert told == []
    end_canary(first, END)
    for _ in range(3):
        judge.tell()
    assert told == [END]  # it is not asked again at once
    again: list[Ended] = []
    Judge(settings, second, again.append).tell()
    assert again == [END]
    assert list(untold(settings.folder)) == []


def test_what_nobody_understands_is_set_aside_and_stops_nothing(tmp_path: Path) -> None:
    settings = ApiSettings(home=tmp_path)
    told: list[Ended] = []
    end_canary(tmp_path, END)
    broken = settings.folder / "untold" / "1-20260101T000000000000.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    judge = Judge(settings, tmp_path, told.append)
    judge.judge()
    judge.tell()
    assert told == [END]
    assert [file.name for file in broken.parent.iterdir()] == ["1-20260101T000000000000.broken"]
