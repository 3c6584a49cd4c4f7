import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from mlflow import MlflowClient

from lakehouse.errors import StoreUnreachable
from lakehouse.history import Commit
from lakehouse.lake import Lake
from registry import moving
from registry.comparison import compared, judged
from registry.errors import NotBetter, UnknownAlias, UnknownModel, UnknownVersion
from registry.journal import Event, Told
from registry.models import Models
from registry.moving import Intent, decode_intent
from registry.process import mark
from registry.promote import Rule
from registry.settings import RegistrySettings
from tests.registry.kept import NAME, save

pytestmark = pytest.mark.slow


@pytest.fixture
def client(settings: RegistrySettings) -> MlflowClient:
    """MLflow itself, as a person at its pages uses it."""
    return MlflowClient(settings.tracking_uri, settings.tracking_uri)


@pytest.fixture
def two(models: Models) -> Models:
    """A model of two versions, the second one better and trained on a newer table."""
    save(models, version=3, accuracy=0.8)
    save(models, version=5, sequence=2, accuracy=0.9)
    return models


def aliases(client: MlflowClient) -> dict[str, int]:
    return {alias: int(version) for alias, version in client.get_registered_model(NAME).aliases.items()}


def moves(events: tuple[Event, ...]) -> list[tuple[str | None, int | None, int | None, str]]:
    return [(e.alias, e.from_version, e.to_version, e.by) for e in events if e.event == "moved"]


def stage(client: MlflowClient, version: int, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        client.transition_model_version_stage(NAME, str(version), name)


def test_a_promotion_is_in_mlflow_and_in_the_journal(two: Models, client: MlflowClient, lake: Lake) -> None:
    done = two.promote(NAME, 1, "staging", by="ann", why="reviewed")
    assert str(done) == f"staging of {NAME} moved from nothing to version 1"
    done = two.promote(NAME, 2, "staging", by="ann", run="run-7")
    assert str(done) == f"staging of {NAME} moved from version 1 to version 2"
    assert aliases(client) == {"candidate": 2, "staging": 2}
    assert moves(two.events(NAME)) == [("staging", None, 1, "ann"), ("staging", 1, 2, "ann")]
    assert two.events(NAME)[-1].why == "accuracy 0.8 (v1) -> 0.9 (v2), higher is better"
    last = lake.history("ops.model_journal")[-1].stamp
    assert last is not None
    assert (last.asset, last.run, last.inputs, last.sequence) == ("ops.model_journal", "run-7", {}, 2)
    assert two.alias(NAME, "staging") == two.versions(NAME)[1]
    assert two.notice_outside_moves() == ()
    assert not client.get_registered_model(NAME).tags


def test_a_move_to_where_the_alias_is_does_nothing_and_says_so(two: Models) -> None:
    two.promote(NAME, 2, "staging", by="ann")
    before = two.events(NAME)
    done = two.promote(NAME, 2, "staging", by="bob")
    assert done.event is None
    assert str(done) == f"version 2 of {NAME} is in staging already; nothing was moved"
    assert two.events(NAME) == before


def test_a_worse_model_needs_a_reason(two: Models, client: MlflowClient) -> None:
    two.promote(NAME, 2, "production", by="ann")
    with pytest.raises(NotBetter, match=r"accuracy 0.9 \(v2\) -> 0.8 \(v1\).*say why"):
        two.promote(NAME, 1, "production", by="ann")
    assert aliases(client)["production"] == 2
    two.reject(NAME, 1, "production", by="ann", why="worse on virginica")
    assert aliases(client)["production"] == 2
    two.promote(NAME, 1, "production", by="ann", why="rollback")
    assert aliases(client)["production"] == 1
    assert [(e.event, e.version, e.why) for e in two.events(NAME)][-2:] == [
        ("rejected", 1, "worse on virginica"),
        ("moved", None, "rollback"),
    ]


def test_what_is_not_known_is_refused_with_what_is(two: Models) -> None:
    with pytest.raises(UnknownAlias, match="known aliases: candidate, staging, production"):
        two.promote(NAME, 1, "champion", by="ann")
    with pytest.raises(UnknownVersion, match="no version 9 in the journal; known versions: 1, 2"):
        two.promote(NAME, 9, "staging", by="ann")
    with pytest.raises(UnknownModel, match=f"known models: {NAME}"):
        two.compare("iris", 1, "staging")


def test_a_comparison_shows_both_sides(two: Models) -> None:
    two.promote(NAME, 1, "staging", by="ann")
    found = two.compare(NAME, 2, "staging")
    assert found.metrics == {"accuracy": (0.8, 0.9), "log_loss": (0.1, 0.1)}
    assert found.inputs == {"gold.iris_features": (3, 5)}
    assert found.decision.better
    assert two.compare(NAME, 2, "production").champion is None


def test_stages_follow_where_they_are_mirrored(
    two: Models, settings: RegistrySettings, client: MlflowClient, lake: Lake
) -> None:
    mirroring = Models(settings.model_copy(update={"lakeline_mirror_stages": True}), lake)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        mirroring.promote(NAME, 1, "staging", by="ann")
        mirroring.promote(NAME, 1, "production", by="ann")
        mirroring.promote(NAME, 2, "staging", by="ann")
        mirroring.promote(NAME, 2, "production", by="ann")
    assert [client.get_model_version(NAME, str(v)).current_stage for v in (1, 2)] == ["Archived", "Production"]
    assert mirroring.notice_outside_moves() == ()
    assert two.notice_outside_moves() == ()


def test_moves_made_in_mlflow_itself_are_journaled_as_made_outside(two: Models, client: MlflowClient) -> None:
    client.set_registered_model_alias(NAME, "production", "1")
    assert moves(two.notice_outside_moves()) == [("production", None, 1, "outside")]
    client.set_registered_model_alias(NAME, "production", "2")
    client.delete_registered_model_alias(NAME, "candidate")
    assert moves(two.notice_outside_moves()) == [("candidate", 2, None, "outside"), ("production", 1, 2, "outside")]
    assert two.events(NAME)[-1].why == "found moved in MLflow"
    assert two.alias(NAME, "candidate") is None
    assert two.alias(NAME, "production") == two.versions(NAME)[1]
    assert two.notice_outside_moves() == ()


def test_an_alias_follows_the_stage_that_a_person_set(two: Models, client: MlflowClient) -> None:
    two.promote(NAME, 2, "staging", by="ann")
    stage(client, 1, "Staging")
    (event,) = two.notice_outside_moves()
    assert (event.alias, event.from_version, event.to_version, event.by) == ("staging", 2, 1, "outside")
    assert event.why == "found moved in MLflow, to the stage Staging"
    assert aliases(client)["staging"] == 1
    assert two.notice_outside_moves() == ()
    two.promote(NAME, 2, "staging", by="ann")
    assert two.notice_outside_moves() == ()
    assert aliases(client)["staging"] == 2


def test_the_alias_counts_where_the_stage_says_something_else(two: Models, client: MlflowClient) -> None:
    client.set_registered_model_alias(NAME, "production", "1")
    stage(client, 2, "Production")
    assert moves(two.notice_outside_moves()) == [("production", None, 1, "outside")]
    assert two.notice_outside_moves() == ()
    assert aliases(client)["production"] == 1


def test_a_stage_is_followed_without_loading_mlflow_here(two: Models, settings: RegistrySettings, lake: Lake) -> None:
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    stage(client, 2, "Production")
    code = (
        "import sys; from pathlib import Path\n"
        "from registry.models import Models; from tests.registry.kept import lake_in\n"
        "models = Models.from_env(lake_in(Path(sys.argv[1])))\n"
        "assert [(e.alias, e.to_version) for e in models.notice_outside_moves()] == [('production', 2)]\n"
        "assert 'mlflow' not in sys.modules\n"
        f"assert models.alias('{NAME}', 'production').version == 2 and len(models.versions('{NAME}')) == 2\n"
        "assert 'mlflow' not in sys.modules\n"
    )
    root = lake.settings.root.uri
    environment = {**os.environ, "MLFLOW_TRACKING_URI": settings.tracking_uri, "LAKELINE_HOME": str(settings.home)}
    done = subprocess.run(
        [sys.executable, "-c", code, root], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert aliases(client)["production"] == 2


def test_a_version_of_somebody_elses_script_has_no_stamp(two: Models, client: MlflowClient) -> None:
    run = client.get_run(two.versions(NAME)[0].run_id)
    client.create_model_version(NAME, source=f"{run.info.artifact_uri}/model", run_id=run.info.run_id)
    client.set_registered_model_alias(NAME, "production", "3")
    assert moves(two.notice_outside_moves()) == [("production", None, 3, "outside")]
    held = two.alias(NAME, "production")
    assert held is not None
    assert (held.version, held.stamp, held.model_id) == (3, None, two.versions(NAME)[0].model_id)
    assert [v.version for v in two.versions(NAME)] == [1, 2]
    found = two.compare(NAME, 2, "production")
    assert found.decision.better and found.metrics["accuracy"] == (None, 0.9)
    two.promote(NAME, 2, "production", by="ann")
    assert moves(two.events(NAME))[-1] == ("production", 3, 2, "ann")


def test_a_store_that_is_gone_says_nothing_and_a_model_made_anew_is_another(
    two: Models, settings: RegistrySettings, client: MlflowClient
) -> None:
    client.delete_registered_model(NAME)
    assert two.notice_outside_moves() == ()
    save(two, version=5, sequence=3)
    (old, _, new) = two.versions(NAME)
    assert (old.version, new.version) == (1, 1)
    assert old.model_id != new.model_id
    assert two.alias(NAME, "candidate") == new
    assert settings.database is not None
    settings.database.unlink()
    assert two.notice_outside_moves() == ()


def test_a_store_of_others_says_nothing_of_moves(two: Models, lake: Lake, tmp_path: Path, empty_store: Path) -> None:
    shutil.copy(empty_store, tmp_path / "other.db")
    elsewhere = RegistrySettings(lakeline_home=tmp_path, mlflow_tracking_uri=f"sqlite:///{tmp_path / 'other.db'}")
    before = two.events(NAME)
    assert Models(elsewhere, lake).notice_outside_moves() == ()
    assert two.events(NAME) == before


def begun(settings: RegistrySettings, process: str, version: int, at: datetime) -> Intent:
    """A move of staging from nothing that some process has begun, and noted in MLflow."""
    intent = Intent(alias="staging", to_version=version, by="ann", why="x", process=process, at=at)
    moving.carry_out(settings, moving.intend(NAME, intent))
    return intent


def journal(models: Models, intent: Intent) -> None:
    """Journals a move, as the process that began it does."""

    def asked(told: Told) -> Event:
        comparison = compared(told, NAME, intent.to_version, intent.alias, Rule())
        return judged("moved", comparison, at=intent.at, by=intent.by, why=intent.why)

    models._journal.record(asked)


def test_a_move_under_way_is_left_to_whoever_makes_it(
    two: Models, settings: RegistrySettings, client: MlflowClient
) -> None:
    now = datetime.now(UTC)
    journal(two, begun(settings, "elsewhere:1:1.0", 2, now))
    assert two.notice_outside_moves() == ()
    assert aliases(client) == {"candidate": 2}
    journal(two, begun(settings, "elsewhere:1:1.0", 1, now - timedelta(minutes=2)))
    assert two.notice_outside_moves() == ()
    assert aliases(client) == {"candidate": 2}, "one of the two is still at work"


def test_mlflow_follows_the_journal_where_a_move_was_not_seen_to_its_end(
    two: Models, settings: RegistrySettings, client: MlflowClient
) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    first, second = (begun(settings, "elsewhere:1:1.0", version, long_ago) for version in (1, 2))
    journal(two, first)
    journal(two, replace(second, at=second.at + timedelta(seconds=1)))
    client.set_registered_model_alias(NAME, "staging", "1")  # by the first, which was late
    assert two.notice_outside_moves() == ()
    assert aliases(client) == {"candidate": 2, "staging": 2}
    assert not client.get_registered_model(NAME).tags
    assert two.notice_outside_moves() == ()


def test_what_somebody_moved_after_a_move_that_died_counts(
    two: Models, settings: RegistrySettings, client: MlflowClient
) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    journal(two, begun(settings, "elsewhere:1:1.0", 1, long_ago))
    client.set_registered_model_alias(NAME, "staging", "2")
    assert moves(two.notice_outside_moves()) == [("staging", 1, 2, "outside")]
    assert not client.get_registered_model(NAME).tags


def test_a_move_that_was_not_journaled_did_not_happen(
    two: Models, settings: RegistrySettings, client: MlflowClient
) -> None:
    begun(settings, mark(), 2, datetime.now(UTC))
    assert two.notice_outside_moves() == ()
    assert aliases(client) == {"candidate": 2}
    assert not client.get_registered_model(NAME).tags


def test_promotions_at_once_are_all_journaled_and_mlflow_ends_at_the_last(
    two: Models, settings: RegistrySettings, client: MlflowClient, lake: Lake
) -> None:
    """Each promotes a version, and each finds what the one before it left."""
    both = [Models(settings, lake), Models(settings, lake)]

    def promote(number: int) -> None:
        both[number % 2].promote(NAME, number % 2 + 1, "staging", by=f"p{number}", why="because")

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(promote, range(4)))
        told = moves(two.events(NAME))
        assert [before for _, before, _, _ in told] == [None, *(after for _, _, after, _ in told[:-1])]
        assert aliases(client)["staging"] == told[-1][2]
        assert not client.get_registered_model(NAME).tags
        assert two.notice_outside_moves() == ()
    stamps = [commit.stamp for commit in lake.history("ops.model_journal") if commit.stamp]
    own = [stamp.sequence for stamp in stamps if stamp.asset == "ops.model_journal"]
    assert own == list(range(1, len(own) + 1))


def test_a_promotion_that_cannot_be_journaled_moves_nothing(
    two: Models, settings: RegistrySettings, client: MlflowClient, lake: Lake
) -> None:
    class ReadOnly:
        """A lake that can be read."""

        def history(self, key: str) -> Sequence[Commit]:
            return lake.history(key)

        def append(self, key: str, rows: pa.Table, *, metadata: str, after: int) -> int:
            raise StoreUnreachable(key, "read-only file system")

    with pytest.raises(StoreUnreachable):
        Models(settings, ReadOnly()).promote(NAME, 2, "staging", by="ann")
    assert aliases(client) == {"candidate": 2}
    assert not client.get_registered_model(NAME).tags
    assert two.notice_outside_moves() == ()


def test_an_intent_survives_its_tag() -> None:
    intent = Intent(
        alias="staging",
        to_version=2,
        by="a",
        why="é",
        process=mark(),
        at=datetime.now(UTC),
        from_version=1,
        stage="Staging",
    )
    assert decode_intent(intent.encode()) == intent
    assert decode_intent("{}") is None
