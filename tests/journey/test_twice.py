"""The demo once more on the same lake: nothing is doubled."""

import re
from pathlib import Path

import pytest

from tests.journey import raw_lake
from tests.journey.conftest import Ended
from tests.journey.raw_lake import RawCommit
from tests.journey.workplace import MODEL, Workplace, rows

pytestmark = [pytest.mark.slow, pytest.mark.spark]


def test_the_demo_told_twice_doubles_nothing(journey: Ended, retold: Ended) -> None:
    before, place = raw_lake.commits(journey.place.lake), retold.place
    assert retold.process.returncode == 0, retold.process.stderr
    after = raw_lake.commits(place.lake)

    for table in ("bronze.iris_raw", "silver.iris_clean", "gold.iris_features", "quarantine.silver.iris_clean"):
        assert [c.metadata for c in of(after, table)] == [c.metadata for c in of(before, table)]
    assert of(after, "bronze.iris_raw")[-1].rows == 153
    assert sorted(file.name for file in landed(place)) == sorted(file.name for file in landed(journey.place))
    assert len(rows(place.json("models"))) == 2

    # The second telling reviews the newer model: its predictions are new, and they alone.
    inferred = of(after, "gold.iris_predictions")
    assert len(inferred) == len(of(before, "gold.iris_predictions")) + 1
    assert inferred[-1].inputs[f"models.{MODEL}"]["version"] == 2
    identities = raw_lake.read(inferred[-1].location, inferred[-1].version)["measurement_id"].to_pylist()
    assert len(identities) == len(set(identities)) == 150

    assert "nothing to do: 5 fresh" in retold.story
    assert "x-model-version: 2" in retold.story, "the API served what it had served before, not what the alias names"
    assert '{"prediction":0}' in retold.story.splitlines()
    assert len(re.findall(r"^iris-90\d", retold.story, re.MULTILINE)) == 3


def of(commits: tuple[RawCommit, ...], table: str) -> list[RawCommit]:
    """The commits of one table."""
    return [commit for commit in commits if commit.table == table]


def landed(place: Workplace) -> list[Path]:
    """The landed files."""
    return list((place.home / "landing" / "iris").iterdir())
