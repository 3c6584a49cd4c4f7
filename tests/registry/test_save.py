import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow import MlflowClient
from xgboost import XGBClassifier

from lakehouse.errors import CommitTaken
from lakehouse.lake import Lake
from registry.errors import ModelRefused, ModelUnsupported, RegistryRefused
from registry.journal import Journal
from registry.models import Models
from registry.settings import RegistrySettings
from registry.tags import inputs_of, tags_of
from tests.registry import kept
from tests.registry.kept import NAME, save, stamp, trained

pytestmark = pytest.mark.slow


def client_of(settings: RegistrySettings) -> MlflowClient:
    return MlflowClient(settings.tracking_uri, settings.tracking_uri)


def registered(settings: RegistrySettings) -> list[int]:
    return sorted(int(v.version) for v in client_of(settings).search_model_versions(f"name = '{NAME}'"))


@pytest.fixture(params=["sqlite", "server"])
def either(request: pytest.FixtureRequest) -> RegistrySettings:
    found = request.getfixturevalue("settings" if request.param == "sqlite" else "server_settings")
    assert isinstance(found, RegistrySettings)
    return found


def test_mlflow_itself_shows_the_tables_and_their_versions(either: RegistrySettings, lake: Lake) -> None:
    models = Models(either, lake)
    made = models.save("shown_" + NAME, trained, stamp(0), kept.datasets(0))
    client = client_of(either)
    version = client.get_model_version("shown_" + NAME, str(made.version))
    run = client.get_run(version.run_id or "")
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == "gold.iris_features"
    assert json.loads(used.dataset.source) == {"path": "/lake/gold/iris_features", "delta_table_version": "0"}
    assert used.dataset.digest.startswith("v0-")
    assert json.loads(used.dataset.profile or "")["num_rows"] == 150
    expected = {
        "lakeline.input.gold.iris_features": "0",
        "lakeline.table.gold.iris_features": "t-1",
        "lakeline.fingerprint": stamp(0).fingerprint,
        "lakeline.stamp": stamp(0).encode(),
        "lakeline.run": "r1",
    }
    assert expected.items() <= run.data.tags.items()
    assert expected.items() <= version.tags.items()
    assert run.data.metrics == {"accuracy": 0.9, "log_loss": 0.1}
    assert run.data.params == {"n_estimators": "5"}
    assert run.info.status == "FINISHED"
    assert client.get_model_version_by_alias("shown_" + NAME, "candidate").version == version.version
    found = client.search_runs([run.info.experiment_id], "dataset.digest LIKE 'v0-%'")
    assert run.info.run_id in [other.info.run_id for other in found]
    model = client.get_logged_model(version.source.removeprefix("models:/"))
    assert model.source_run_id == run.info.run_id
    assert not client.get_registered_model("shown_" + NAME).tags


def test_the_journal_has_one_commit_with_the_stamp(models: Models, lake: Lake) -> None:
    version = save(models)
    (commit,) = lake.history("ops.model_journal")
    assert commit.stamp is not None
    told = commit.stamp.extra["journal"]
    assert isinstance(told, dict)
    assert (told["event"], told["version"], told["alias"], told["to_version"]) == ("registered", 1, "candidate", 1)
    assert commit.stamp.inputs == stamp().inputs
    assert commit.stamp.fingerprint == stamp().fingerprint
    (made,) = models.versions(NAME)
    assert (made.version, made.stamp, made.features) == (version, stamp(), kept.FEATURES)
    assert models.alias(NAME, "candidate") == made
    assert models.names() == (NAME,)
    assert models.notice_outside_moves() == ()


def test_nothing_is_written_beside_the_home(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    save(models)
    models.load(NAME, 1)
    assert list(folder.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("point", ["logged", "registered", "journaled"])
def test_a_save_that_died_is_finished_by_the_next_one(
    point: str, settings: RegistrySettings, models: Models, lake: Lake
) -> None:
    """Promise 5: a retry after a crash at any point writes once."""
    _die(kept.die_saving, settings, lake, point)
    client = client_of(settings)
    if point != "journaled":
        assert models.versions(NAME) == ()
        assert models.notice_outside_moves() == ()
    assert "candidate" not in client.get_registered_model(NAME).aliases
    made = models.save(NAME, lambda: pytest.fail("trained again"), stamp(run="healed"), kept.datasets())
    assert registered(settings) == [1]
    assert [v.version for v in models.versions(NAME)] == [1]
    assert len(lake.history("ops.model_journal")) == 1
    model = client.get_registered_model(NAME)
    assert {alias: int(version) for alias, version in model.aliases.items()} == {"candidate": 1}
    assert not model.tags
    assert made.stamp is not None
    assert client.get_model_version(NAME, "1").tags["lakeline.stamp"] == made.stamp.encode()
    run = client.get_run(made.run_id)
    assert (run.info.status, run.data.tags["lakeline.stamp"]) == ("FINISHED", made.stamp.encode())
    assert made == models.alias(NAME, "candidate")


def test_the_next_command_sets_the_alias_that_a_dead_save_left_behind(
    settings: RegistrySettings, models: Models, lake: Lake
) -> None:
    _die(kept.die_saving, settings, lake, "journaled")
    assert models.notice_outside_moves() == ()
    aliases = client_of(settings).get_registered_model(NAME).aliases
    assert {alias: int(version) for alias, version in aliases.items()} == {"candidate": 1}


def test_a_promotion_that_died_is_finished_with_its_own_reason(
    settings: RegistrySettings, models: Models, lake: Lake
) -> None:
    save(models)
    _die(kept.die_promoting, settings, lake, "journaled")
    event = models.events(NAME)[-1]
    assert (event.alias, event.to_version, event.by, event.why) == ("staging", 1, "ann", "reviewed")
    assert models.notice_outside_moves() == ()
    model = client_of(settings).get_registered_model(NAME)
    assert {alias: int(version) for alias, version in model.aliases.items()} == {"candidate": 1, "staging": 1}
    assert not model.tags
    assert models.events(NAME)[-1] == event


def test_a_forced_training_on_the_same_versions_is_a_new_version(models: Models, settings: RegistrySettings) -> None:
    assert [save(models), save(models, sequence=2), save(models, sequence=2)] == [1, 2, 2]
    assert registered(settings) == [1, 2]
    assert models.aliases(NAME)["candidate"].version == 2


def test_another_training_under_the_same_sequence_comes_too_late(models: Models) -> None:
    save(models, version=3)
    with pytest.raises(CommitTaken):
        save(models, version=4)


def test_a_model_of_another_kind_is_refused_by_name(models: Models, settings: RegistrySettings) -> None:
    with pytest.raises(ModelUnsupported, match="kind 'dict'; wanted an XGBoost Booster"):
        models.save(NAME, lambda: trained(model={}), stamp(), ())
    with pytest.raises(ModelRefused, match="its example has no colour"):
        models.save(NAME, lambda: trained(features=("colour",)), stamp(), ())
    with pytest.raises(ModelRefused, match="it was fitted on sepal_length"):
        models.save(NAME, lambda: trained(features=kept.FEATURES[::-1]), stamp(), ())
    with pytest.raises(ModelRefused, match="it cannot predict its own example"):
        models.save(NAME, lambda: trained(model=XGBClassifier()), stamp(), ())
    with pytest.raises(RegistryRefused, match="did not keep a training"):
        models.save(NAME, lambda: trained(metrics={"bad:\n name": 1.0}), stamp(), ())
    assert models.versions(NAME) == ()
    assert registered(settings) == []


def test_a_metric_that_is_no_number_is_kept(models: Models, lake: Lake) -> None:
    save(models, accuracy=float("nan"))
    (commit,) = lake.history("ops.model_journal")
    assert commit.stamp is not None
    json.loads(commit.stamp.encode(), parse_constant=pytest.fail)
    (made,) = models.versions(NAME)
    assert made.metrics["accuracy"] != made.metrics["accuracy"]


def test_two_models_journaled_at_once_both_land(models: Models, lake: Lake) -> None:
    save(models)
    event = models.events()[0]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: models._journal.record(lambda told: event), range(16)))
    assert len(lake.history("ops.model_journal")) == 17
    assert len(models.versions(NAME)) == 17


def test_two_that_both_make_the_journal_both_land(models: Models, tmp_path: Path) -> None:
    save(models)
    event = models.events()[0]
    for number in range(5):
        fresh = Journal(kept.lake_in(tmp_path / str(number)))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _, journal=fresh: journal.record(lambda told: event), range(4)))
        assert len(fresh.read().events) == 4


def test_tags_tell_the_inputs_even_of_a_stamp_that_is_too_long_for_mlflow() -> None:
    from dataclasses import replace

    long = replace(stamp(), extra={"much": "x" * 9000})
    assert len(tags_of(long, "p")["lakeline.stamp"]) < 8000
    assert inputs_of(tags_of(long, "p")) == {"gold.iris_features": {"table": "t-1", "version": 3}}


def _die(target: object, settings: RegistrySettings, lake: Lake, point: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow.xgboost", "sklearn.datasets"])
    arguments = (str(settings.home), settings.tracking_uri, lake.settings.root.uri, point)
    process = context.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join(120)
    assert process.exitcode == 9
