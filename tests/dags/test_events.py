"""Which versions a run tells of, also one that is tried again after others have published."""

from datetime import UTC, datetime

import pytest

from assets.lineage import Lineage
from assets.wakeup import WakeUp
from dags.bridge.events import News, news
from lakehouse.lake import Lake
from tests.assets.authored import made_by, numbers

TABLE = "gold.rows"
FIRST, SECOND = (WakeUp(run=f"shop/{name}", began=datetime.now(UTC)) for name in ("first", "second"))


@pytest.fixture
def lake() -> Lake:
    return Lake.from_env()


def told(lake: Lake, wakeup: WakeUp, *, force: bool = False) -> dict[str, News]:
    """What a run tells of once it is done."""
    done = made_by(lake, numbers(TABLE, range(3))).run(force=force, wakeup=wakeup)
    return dict(news(Lineage.of(lake, (TABLE,)), done.outcomes, wakeup.run))


@pytest.mark.slow
def test_a_run_that_is_tried_again_tells_of_its_version_only_while_it_is_the_newest(lake: Lake) -> None:
    assert told(lake, FIRST)[TABLE].extra["version"] == 0
    assert told(lake, FIRST)[TABLE].extra["version"] == 0
    assert told(lake, SECOND, force=True)[TABLE].extra == {
        "table": lake.history(TABLE)[-1].table_id,
        "version": 1,
        "previous": 0,
        "rows": 3,
        "run": "shop/second",
        "code": lake.history(TABLE)[-1].stamp.code,  # type: ignore[union-attr]
    }
    assert told(lake, FIRST) == {}
    assert told(lake, SECOND)[TABLE].extra["version"] == 1
