"""A version that somebody deletes from MLflow is let go; a store that does not know it says nothing."""

import pytest

from lakehouse.lake import Lake
from registry.aliases import _versions_by_client, read_versions
from registry.door import opened
from registry.journal import Journal
from registry.models import Models
from registry.settings import RegistrySettings
from tests.registry.kept import NAME, save, stamp

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("of", ["settings", "server_settings"])
def test_every_way_to_read_lists_the_versions_that_are_there(
    of: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings: RegistrySettings = request.getfixturevalue(of)
    client, name = opened(settings), f"listed_{tmp_path_factory.mktemp('x').name}"
    assert read_versions(settings, name) == frozenset()
    client.create_registered_model(name)
    for _ in range(3):
        client.create_model_version(name, source="s3://nowhere/model")
    client.delete_model_version(name, "2")
    assert read_versions(settings, name) == _versions_by_client(settings, name) == {1, 3}


def test_a_deleted_version_is_journaled_once_and_no_longer_compared(
    models: Models, settings: RegistrySettings, lake: Lake
) -> None:
    save(models, version=3)
    save(models, version=4, sequence=2, run="r2")
    assert models.gone() == models.let_go() == ()
    opened(settings).delete_model_version(NAME, "1")
    assert [version.version for version in models.gone()] == [1]
    assert models.removed(NAME) == ()
    (gone,) = models.let_go()
    assert gone.stamp == stamp()
    assert models.removed(NAME) == (gone,)
    assert models.let_go() == ()
    assert [version.version for version in models.versions(NAME)] == [1, 2], "its story stays"
    assert set(models.aliases(NAME)) == {"candidate"}
    assert (models.agreement().versions, models.agreement().differences) == (1, ())
    told = Journal(lake).read().events[-1]
    assert (told.event, told.version, told.by) == ("removed", 1, "outside")


def test_a_store_that_does_not_know_the_model_lets_nothing_go(models: Models, lake: Lake, empty_store: object) -> None:
    save(models)
    other = models.settings.model_copy(update={"mlflow_tracking_uri": f"sqlite:///{empty_store}"})
    assert Models(other, lake).gone() == ()
    nowhere = models.settings.model_copy(update={"mlflow_tracking_uri": "sqlite:////nowhere/mlflow.db"})
    assert Models(nowhere, lake).gone() == ()
    client = opened(models.settings)
    client.delete_registered_model(NAME)
    assert models.gone() == (), "a deleted model may be another store's"
    client.create_registered_model(NAME)
    assert models.gone() == (), "and another of its name is another"
