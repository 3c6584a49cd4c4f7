"""What was recorded is true: the raw Delta log and MLflow's REST API tell of every version what Lakeline tells."""

import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path

import mlflow
import numpy as np
import pytest

from assets.definitions.iris import SPECIES, iris_xgboost_classifier
from tests.journey import raw_lake
from tests.journey.conftest import Ended, Tried
from tests.journey.mlflow_server import Rest, tags
from tests.journey.raw_lake import RawCommit
from tests.journey.workplace import MODEL, rows

pytestmark = [pytest.mark.slow, pytest.mark.spark]

MODEL_KEY = f"models.{MODEL}"
FEATURES = "gold.iris_features"


@pytest.fixture(scope="session")
def made(journey: Ended) -> tuple[RawCommit, ...]:
    """Every version that the demo made."""
    return raw_lake.made(journey.place.lake)


@pytest.fixture(scope="session")
def trained(made: tuple[RawCommit, ...]) -> tuple[RawCommit, ...]:
    """The commits that published a version of the model."""
    return tuple(commit for commit in made if commit.asset == MODEL_KEY)


def test_the_demo_tells_its_story_to_the_end(journey: Ended) -> None:
    assert journey.process.returncode == 0, journey.process.stderr
    assert '{"prediction":0}' in journey.story.splitlines()
    assert "x-model-inputs: gold.iris_features@0" in journey.story
    kept_back = [line.split()[0] for line in journey.story.splitlines() if line.startswith("iris-9")]
    assert kept_back == ["iris-901", "iris-902", "iris-903"]
    assert "BLOCKED  -        no version of models.iris_xgboost_classifier has the alias staging" in journey.story
    assert re.search(r"STALE +v0 +input landing.iris v1 -> v2", journey.story)
    assert re.search(rf"^{MODEL_KEY} v1 .* made from$", journey.story, re.MULTILINE), "a line was cut"
    assert "Go on with:" in journey.story.splitlines()[-8]


def test_the_demo_asks_an_api_on_a_port_of_its_own(journey: Ended) -> None:
    asked = re.search(r"curl -i http://127\.0\.0\.1:(\d+)/predict", journey.story)
    assert asked is not None
    assert asked[1] != "8001"


def test_every_command_that_the_demo_ends_with_works(gone_on: Tried) -> None:
    assert [words[0] for words in gone_on.answers] == ["sql", "promote", "new", "spark"]
    held = {model["version"]: model["aliases"] for model in rows(gone_on.place.json("models"))}
    assert held == {1: ["production"], 2: ["candidate", "staging"]}


def test_the_demo_made_every_asset_twice(made: tuple[RawCommit, ...]) -> None:
    counts: dict[str, int] = defaultdict(int)
    for commit in made:
        counts[commit.asset] += 1
    twice = ("bronze.iris_raw", "silver.iris_clean", FEATURES, MODEL_KEY, "gold.iris_predictions")
    assert counts == {**dict.fromkeys(twice, 2), "quarantine.silver.iris_clean": 1}


def test_sequences_are_gapless_for_each_asset(journey: Ended) -> None:
    sequences = defaultdict(list)
    for commit in raw_lake.commits(journey.place.lake):
        if not commit.table.startswith("quarantine."):  # these carry the sequence of the table they were kept back from
            sequences[commit.asset].append(commit.metadata["sequence"])
    assert len(sequences) == 7  # five assets, the journal of models and the log of predictions
    for asset, found in sequences.items():
        assert found == list(range(1, len(found) + 1)), asset


def test_the_stamps_are_what_the_table_of_lineage_says(journey: Ended, made: tuple[RawCommit, ...]) -> None:
    stamped = {
        (c.asset, c.published, key, read["version"], read["table"], read.get("alias"), c.metadata["run"])
        for c in made
        for key, read in c.inputs.items()
    }
    told = rows(journey.place.json("sql", "select * from lakeline.lineage"))
    columns = ("asset", "version", "input", "input_version", "input_table", "alias", "run")
    assert {tuple(row[column] for column in columns) for row in told} == stamped
    assert len(told) == len(stamped)


def test_the_stamps_are_what_the_tree_of_lineage_says(journey: Ended, made: tuple[RawCommit, ...]) -> None:
    known = {(c.asset, c.published): c for c in made}
    landed = {
        (f"iris/{file.name}", hashlib.sha256(file.read_bytes()).hexdigest())
        for file in (journey.place.home / "landing" / "iris").iterdir()
    }
    asked = [("lineage", f"{commit.asset}@{commit.published}", "--json") for commit in made]
    for commit, answer in zip(made, journey.place.one_process(*asked), strict=True):
        told = json.loads(answer)
        up = told["upstream"]
        assert (up["run"], up["code"]) == (commit.metadata["run"], commit.metadata["code"])
        assert up["table"] == commit.published_id
        read = {key: (each["version"], each.get("alias")) for key, each in commit.inputs.items()}
        assert {n["key"]: (n["version"], n["alias"]) for n in up["next"]} == read
        for node in up["next"]:
            if node["key"] != "landing.iris":
                assert node["table"] == commit.inputs[node["key"]]["table"]
                assert node["run"] == known[node["key"], node["version"]].metadata["run"]
        assert files_of(up) <= landed
        readers = {(c.asset, c.published) for c in made if reads(c, commit)}
        assert {(n["key"], n["version"]) for n in told["downstream"]["next"]} == readers
    assert files_of(up) == landed  # of the last one, the table of silver


def test_mlflow_has_the_versions_that_the_log_has(rest: Rest, trained: tuple[RawCommit, ...]) -> None:
    versions = rest.versions(MODEL)
    assert sorted(versions) == [commit.published for commit in trained] == [1, 2]
    assert {str(rest.model(MODEL)["creation_timestamp"])} == {commit.published_id for commit in trained}
    for commit in trained:
        assert versions[commit.published]["run_id"] == commit.journal["run_id"]
        assert versions[commit.published]["source"] == commit.journal["source"]


def test_the_tags_of_mlflow_are_the_stamps(journey: Ended, rest: Rest, trained: tuple[RawCommit, ...]) -> None:
    told = rows(journey.place.json("sql", f"select * from lakeline.stamps where asset = '{MODEL_KEY}'"))
    fingerprints = {row["version"]: row["fingerprint"] for row in told}
    for commit in trained:
        wanted = {"lakeline.run": commit.metadata["run"], "lakeline.fingerprint": fingerprints[commit.published]}
        for key, read in commit.inputs.items():
            wanted |= {f"lakeline.input.{key}": str(read["version"]), f"lakeline.table.{key}": read["table"]}
        version = rest.versions(MODEL)[commit.published]
        run = rest.run(version["run_id"])
        for found in (tags(version), tags(run["data"])):
            assert {name: found[name] for name in wanted} == wanted
            assert json.loads(found["lakeline.stamp"]) == commit.stamp
            assert {name for name in found if name.startswith("lakeline.input.")} == {f"lakeline.input.{FEATURES}"}


def test_the_datasets_of_mlflow_are_the_stamps(
    journey: Ended, rest: Rest, trained: tuple[RawCommit, ...], made: tuple[RawCommit, ...]
) -> None:
    tables = {(c.table, c.version): c for c in made}
    for commit in trained:
        found = rest.run(commit.journal["run_id"])["inputs"]
        assert isinstance(found, dict)
        datasets = {each["dataset"]["name"]: each["dataset"] for each in found["dataset_inputs"]}
        assert set(datasets) == set(commit.inputs)
        for key, read in commit.inputs.items():
            source = json.loads(datasets[key]["source"])
            short = hashlib.sha256(str(read["table"]).encode()).hexdigest()[:8]
            assert datasets[key]["digest"] == f"v{read['version']}-{short}"
            assert datasets[key]["source_type"] == "delta_table"
            assert source["path"] == str(journey.place.lake.joinpath(*key.split(".")))
            assert int(source["delta_table_version"]) == read["version"]
            pinned = tables[key, int(str(read["version"]))]
            assert json.loads(datasets[key]["profile"])["num_rows"] == pinned.rows


def test_the_aliases_of_mlflow_are_those_of_the_journal(journey: Ended, rest: Rest) -> None:
    stands: dict[str, object] = {}
    for commit in raw_lake.commits(journey.place.lake):
        if commit.journal:
            stands[str(commit.journal["alias"])] = commit.journal["to_version"]
    told = rest.model(MODEL)["aliases"]
    assert isinstance(told, list)
    assert {each["alias"]: int(each["version"]) for each in told} == stands
    assert stands == {"candidate": 2, "staging": 1, "production": 1}


def test_every_version_that_was_read_can_still_be_read(journey: Ended, made: tuple[RawCommit, ...]) -> None:
    commits = raw_lake.commits(journey.place.lake)
    for commit in commits:
        assert raw_lake.read(commit.location, commit.version).num_rows == commit.rows, commit
    there = {(c.table, c.table_id, c.version) for c in commits}
    there |= {(c.asset, c.published_id, c.published) for c in made}
    pinned = {(key, read["table"], read["version"]) for c in made for key, read in c.inputs.items()}
    assert {pin for pin in pinned if pin[0] != "landing.iris"} <= there


def test_the_model_made_again_predicts_the_same(
    journey: Ended, rest: Rest, trained: tuple[RawCommit, ...], made: tuple[RawCommit, ...], tmp_path: Path
) -> None:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(rest.address)
    try:
        for commit in trained:
            pinned = raw_lake.read(
                journey.place.lake.joinpath(*FEATURES.split(".")), int(str(commit.inputs[FEATURES]["version"]))
            )
            again = iris_xgboost_classifier(pinned)
            loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}/{commit.published}", dst_path=str(tmp_path))
            frame = pinned.select(list(again.features)).to_pandas()
            assert np.array_equal(again.model.predict(frame), loaded.predict(frame))
            data = rest.run(commit.journal["run_id"])["data"]
            assert isinstance(data, dict)
            assert {metric["key"]: metric["value"] for metric in data["metrics"]} == pytest.approx(again.metrics)
            for inferred in (c for c in made if c.asset == "gold.iris_predictions" and reads(c, commit)):
                features = raw_lake.read(
                    journey.place.lake.joinpath(*FEATURES.split(".")), int(str(inferred.inputs[FEATURES]["version"]))
                )
                told = raw_lake.read(inferred.location, inferred.version).to_pydict()
                named = dict(zip(told["measurement_id"], told["predicted"], strict=True))
                said = loaded.predict(features.select(list(again.features)).to_pandas())
                wanted = dict(
                    zip(features["measurement_id"].to_pylist(), [SPECIES[kind] for kind in said], strict=True)
                )
                assert named == wanted
    finally:
        mlflow.set_tracking_uri(before)


def reads(reader: RawCommit, made: RawCommit) -> bool:
    """Whether a commit was made from the version that another one published."""
    read = reader.inputs.get(made.asset, {})
    return (read.get("table"), read.get("version")) == (made.published_id, made.published)


def files_of(node: dict[str, object]) -> set[tuple[str, str]]:
    """The landed files in a tree of lineage."""
    files, following = node["files"], node["next"]
    assert isinstance(files, list) and isinstance(following, list)
    found = {(file["name"], file["content"]) for file in files}
    return found.union(*(files_of(each) for each in following))
