"""What DESIGN promises, each promise by its number."""

import json
from collections import defaultdict
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from tests.journey import raw_lake
from tests.journey.conftest import Ended, OnServer, Tried
from tests.journey.mlflow_server import tags
from tests.journey.workplace import MODEL, PROJECT, Workplace, rows

pytestmark = [pytest.mark.slow, pytest.mark.spark]


def land(small: Workplace, name: str, lines: str) -> None:
    file = small.folder / f"{name}.csv"
    file.write_text(f"word,length\n{lines}")
    small.told("land", str(file))


def test_promise_1_a_commit_tells_its_own_story(journey: Ended, place: Workplace) -> None:
    for commit in raw_lake.made(place.lake):
        assert commit.added, "the stamp and the data are in one commit"
    told = place.json("lineage", f"models.{MODEL}@candidate")
    for forgotten in [*place.home.glob("mlflow.db*"), *(p for p in (place.home / "serving").rglob("*") if p.is_file())]:
        forgotten.unlink()
    assert set(place.states().values()) == {"FRESH"}, "no other database decides what is fresh"
    assert place.json("lineage", f"models.{MODEL}@candidate") == told
    assert place.json("models") == journey.place.json("models")


def test_promise_3_what_the_plan_shows_is_what_the_run_does(small: Workplace) -> None:
    for name, line in (("first", "one,3\n"), ("second", "three,5\n")):
        land(small, name, line)
        before = small.facts()
        planned = [step for step in rows(small.json("plan")) if step["state"] in {"MISSING", "STALE"}]
        assert len(planned) == 4
        assert small.facts() == before, "a plan changes nothing"
        did, after = (json.loads(told) for told in small.one_process(("run", "--json"), ("plan", "--json")))
        made = [outcome for outcome in did["outcomes"] if outcome["action"] == "made"]
        assert [(each["key"], each["causes"]) for each in made] == [(s["key"], s["causes"]) for s in planned]
        assert {step["state"] for step in after} == {"FRESH"}


def test_promise_4_nothing_that_failed_its_checks_is_visible(journey: Ended, small: Workplace) -> None:
    for commit in raw_lake.made(journey.place.lake):
        if commit.table in {"silver.iris_clean", "gold.iris_features", "gold.iris_predictions"}:
            identities = raw_lake.read(commit.location, commit.version)["measurement_id"].to_pylist()
            assert not [name for name in identities if name.startswith("iris-9")]

    land(small, "good", "one,3\nbad,-1\n")
    small.told("run")
    before = raw_lake.commits(small.lake)
    silver = small.lake / "silver" / "lengths"
    assert raw_lake.read(silver, 0).to_pydict() == {"word": ["one"], "length": [3]}

    land(small, "doubled", "one,3\ntwo,3\n")
    done = small.lakeline("run", "--json")
    assert done.returncode == 1
    actions = {each["key"]: each["action"] for each in json.loads(done.stdout)["outcomes"]}
    assert actions == {
        "bronze.sent": "made",
        "silver.lengths": "failed",
        "gold.longest": "skipped",
        "gold.count": "made",
    }
    added = [c.table for c in raw_lake.commits(small.lake) if c not in before]
    assert sorted(added) == ["bronze.sent", "gold.count"]
    assert len(list(silver.glob("*.parquet"))) == 1, "what failed was not even written"


def test_promise_6_inputs_are_pinned_once_and_recorded_as_read(journey: Ended, tmp_path: Path) -> None:
    versions: dict[tuple[object, str], set[object]] = defaultdict(set)
    for commit in raw_lake.made(journey.place.lake):
        for key, read in commit.inputs.items():
            versions[commit.metadata["run"], key].add((read["table"], read["version"]))
    assert {len(found) for found in versions.values()} == {1}, "a run read two versions of one input"

    lake = tmp_path / "lake"
    settings = {
        "LAKE_ROOT": str(lake),
        "LAKELINE_DEFINITIONS": "tests.journey.moving_line",
        "PYTHONPATH": str(PROJECT),
    }
    place = Workplace(folder=tmp_path, settings=settings)
    deltalake.write_deltalake(str(lake / "outside" / "orders"), pa.table({"number": [1]}))
    place.told("run")
    assert raw_lake.read(lake / "outside" / "orders", 1).num_rows == 2, "an order arrived during the run"
    for layer, name in (("silver", "first"), ("gold", "second")):
        table = lake / layer / name
        assert raw_lake.read(table, 0)["number"].to_pylist() == [1]
        (stamp,) = [commit for commit in raw_lake.made(lake) if commit.location == table]
        assert stamp.inputs["outside.orders"]["version"] == 0
    assert raw_lake.read(lake / "gold" / "second", 0)["seen_by_first"].to_pylist() == [1]
    planned = {step["key"]: step for step in rows(place.json("plan"))}
    assert planned["silver.first"]["causes"] == ["input outside.orders v0 -> v1"]


def test_promise_7_no_command_needs_airflow(all_commands: Tried) -> None:
    listed = json.loads(all_commands.answers["models", "--json"])
    assert [model["version"] for model in listed] == [1, 2, 3], "a model was trained, too"


def test_promise_9_it_works_with_nothing_but_python(tmp_path: Path) -> None:
    place = Workplace(folder=tmp_path, settings={})
    assert set(place.states().values()) == {"BLOCKED"}
    assert not list(tmp_path.iterdir()), "a plan makes no folders"
    (tmp_path / "flowers.csv").write_text("measurement_id\n")
    place.told("land", "flowers.csv")
    assert set(place.states().values()) == {"MISSING", "BLOCKED"}


def test_promise_9_it_is_the_same_program_on_a_real_server(on_server: OnServer) -> None:
    place, rest = on_server.place, on_server.rest
    assert set(place.states().values()) == {"FRESH"}
    (version,) = rest.versions(MODEL).values()
    (trained,) = [commit for commit in raw_lake.made(place.lake) if commit.asset == f"models.{MODEL}"]
    assert json.loads(tags(version)["lakeline.stamp"]) == trained.stamp
    assert json.loads(tags(rest.run(version["run_id"])["data"])["lakeline.stamp"]) == trained.stamp
    told = rest.model(MODEL)["aliases"]
    assert isinstance(told, list)
    assert {each["alias"]: each["version"] for each in told} == {"candidate": "1", "staging": "1"}
    (inferred,) = [commit for commit in raw_lake.made(place.lake) if commit.table == "gold.iris_predictions"]
    assert (inferred.inputs[f"models.{MODEL}"]["version"], inferred.rows) == (1, 150)
    assert not (place.home / "mlflow.db").exists()
    assert not (place.home / "mlartifacts").exists()
