"""Models as a person sees them at MLflow's own client, and what Lakeline makes of moves made there."""

import json
import warnings

import pytest
from mlflow import MlflowClient

from tests.journey import raw_lake
from tests.journey.conftest import Tried
from tests.journey.raw_lake import RawCommit
from tests.journey.workplace import MODEL, Workplace, rows

pytestmark = [pytest.mark.slow, pytest.mark.spark]

SETOSA = ("sepal_length=5.1", "sepal_width=3.5", "petal_length=1.4", "petal_width=0.2")
TAG = "lakeline.input.gold.iris_features"


@pytest.fixture
def client(place: Workplace) -> MlflowClient:
    """MLflow itself, over a copy of the store that the demo filled."""
    return MlflowClient(place.tracking_uri, place.tracking_uri)


def aliases(client: MlflowClient) -> dict[str, int]:
    return {alias: int(version) for alias, version in client.get_registered_model(MODEL).aliases.items()}


def stages(client: MlflowClient) -> dict[int, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return {int(v.version): v.current_stage for v in client.search_model_versions(f"name='{MODEL}'")}


def journal(place: Workplace) -> list[RawCommit]:
    return [commit for commit in raw_lake.commits(place.lake) if commit.table == "ops.model_journal"]


def test_a_run_shows_its_datasets_with_their_delta_versions(client: MlflowClient) -> None:
    from mlflow.data import get_source
    from mlflow.data.delta_dataset_source import DeltaDatasetSource

    shown = {}
    for version in client.search_model_versions(f"name='{MODEL}'"):
        run = client.get_run(version.run_id)
        assert run.info.status == "FINISHED"
        (found,) = run.inputs.dataset_inputs
        source = get_source(found)
        assert isinstance(source, DeltaDatasetSource)
        assert source.path.endswith("/lake/gold/iris_features")
        assert {tag.key: tag.value for tag in found.tags} == {"mlflow.data.context": "training"}
        shown[int(version.version)] = (found.dataset.name, int(source.delta_table_version), found.dataset.digest[:3])
    assert shown == {1: ("gold.iris_features", 0, "v0-"), 2: ("gold.iris_features", 1, "v1-")}


def test_a_move_made_in_mlflow_is_served_and_journaled(place: Workplace, client: MlflowClient) -> None:
    before = journal(place)
    client.set_registered_model_alias(MODEL, "production", "2")
    told = place.json("predict", *SETOSA)
    assert isinstance(told, dict)
    assert (told["prediction"], told["version"], told["inputs"]) == (0, 2, {"gold.iris_features": 1})
    held = {m["version"]: m["aliases"] for m in rows(place.json("models"))}
    assert held == {1: ["staging"], 2: ["candidate", "production"]}
    (move,) = [commit for commit in journal(place) if commit not in before]
    found = [move.journal[word] for word in ("event", "alias", "from_version", "to_version", "by")]
    assert found == ["moved", "production", 1, 2, "outside"]
    place.json("plan")
    assert len(journal(place)) == len(before) + 1, "one move is journaled once"
    assert aliases(client) == {"candidate": 2, "production": 2, "staging": 1}


def test_the_next_plan_knows_of_a_move_made_in_mlflow(place: Workplace, client: MlflowClient) -> None:
    client.set_registered_model_alias(MODEL, "staging", "2")
    planned = {step["key"]: step for step in rows(place.json("plan"))}
    assert planned["gold.iris_predictions"]["causes"] == [f"alias models.{MODEL}@staging v1 -> v2"]
    client.delete_registered_model_alias(MODEL, "staging")
    assert place.states()["gold.iris_predictions"] == "BLOCKED"


def test_a_worse_model_is_refused_without_a_reason(place: Workplace, client: MlflowClient) -> None:
    place.told("promote", MODEL, "--to", "staging", "--yes")
    before = journal(place)
    done = place.lakeline("promote", MODEL, "--to", "staging", "--version", "1", "--yes")
    assert done.returncode == 1
    assert f"version 1 of '{MODEL}' was not moved to 'staging'" in done.stderr
    assert "say why" in done.stderr
    assert aliases(client) == {"candidate": 2, "staging": 2, "production": 1}
    assert journal(place) == before


def test_a_reason_moves_it_and_the_old_stages_follow_where_that_is_asked_for(
    place: Workplace, client: MlflowClient
) -> None:
    assert stages(client) == {1: "None", 2: "None"}, "the demo did not ask for stages"
    why = ("--yes", "--why", "learned from more flowers")
    place.one_process(
        ("promote", MODEL, "--to", "staging", *why),
        ("promote", MODEL, "--to", "production", "--mirror-stages", *why),
        ("promote", MODEL, "--to", "staging", "--version", "1", "--mirror-stages", *why),
    )
    assert stages(client) == {1: "Staging", 2: "Production"}
    assert aliases(client) == {"candidate": 2, "production": 2, "staging": 1}
    moves = [(c.journal["alias"], c.journal["to_version"], c.journal["why"]) for c in journal(place)[-3:]]
    assert moves == [(alias, number, why[-1]) for alias, number in (("staging", 2), ("production", 2), ("staging", 1))]


def test_a_person_who_says_no_moves_nothing(place: Workplace, client: MlflowClient) -> None:
    done = place.lakeline("promote", MODEL, "--to", "staging", "--why", "try it", typed="n\n")
    assert done.returncode == 1
    assert aliases(client)["staging"] == 1


def test_the_doctor_finds_tags_that_somebody_changed(place: Workplace, client: MlflowClient) -> None:
    client.set_model_version_tag(MODEL, "2", TAG, "0")
    client.set_tag(client.get_model_version(MODEL, "1").run_id, "lakeline.run", "another")
    done = place.lakeline("doctor")
    assert done.returncode == 1
    assert f"a tag of version 2 of '{MODEL}': {TAG} is '0', and its stamp says '1'" in done.stdout
    assert f"a tag of the run of version 1 of '{MODEL}': lakeline.run is 'another'" in done.stdout
    assert done.stdout.count("a tag of") == 2


def test_the_doctor_finds_nothing_where_nobody_changed_anything(all_commands: Tried) -> None:
    findings = {finding["what"]: finding for finding in json.loads(all_commands.answers["doctor", "--json"])}
    assert all(finding["ok"] for finding in findings.values())
    assert findings["stamps and MLflow"]["found"] == "the same of 3 model versions"
