import pickle
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from lakehouse.errors import BadSetting
from lakehouse.settings import LakeSettings

NAMES = [
    "LAKELINE_HOME",
    "LAKE_ROOT",
    "LANDING_ROOT",
    "LAKELINE_JARS",
    "SPARK_REMOTE",
    "SPARK_DRIVER_MEMORY",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment that says nothing, in an empty folder."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_without_any_setting_all_state_is_below_the_working_folder(told: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = LakeSettings.from_env()
    assert settings.home == tmp_path / ".lakeline"
    assert settings.root.uri == str(tmp_path / ".lakeline" / "lake")
    assert settings.landing == tmp_path / ".lakeline" / "landing"
    assert settings.jars in {tmp_path / ".lakeline" / "jars", Path(sys.prefix).parent / "jars"}
    assert settings.spark_remote is None
    assert settings.spark_driver_memory == "2g"
    assert settings.aws_region == "us-east-1"


def test_an_empty_variable_is_one_that_is_not_set(told: pytest.MonkeyPatch) -> None:
    expected = LakeSettings.from_env()
    for name in NAMES:
        told.setenv(name, "")
    assert LakeSettings.from_env() == expected


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("SPARK_REMOTE", "spark.example:15002", "sc://host:15002"),
        ("SPARK_REMOTE", "spark://spark.example:7077", "sc://host:15002"),
        ("SPARK_REMOTE", "sc://", "sc://host:15002"),
        ("SPARK_REMOTE", "sc://spark.example:many", "sc://host:15002"),
        ("LAKE_ROOT", "ftp://files.example/lake", "a folder or s3://bucket/prefix"),
        ("LAKE_ROOT", "s3a://bucket/lake", "a folder or s3://bucket/prefix"),
        ("LAKE_ROOT", "s3://", "a folder or s3://bucket/prefix"),
        ("SPARK_DRIVER_MEMORY", "lots", "pattern"),
        ("SPARK_DRIVER_MEMORY", "0g", "pattern"),
        ("SPARK_DRIVER_MEMORY", "2g -XX:+PrintFlags", "pattern"),
    ],
)
def test_a_bad_setting_is_named(told: pytest.MonkeyPatch, name: str, value: str, wanted: str) -> None:
    told.setenv(name, value)
    with pytest.raises(BadSetting) as caught:
        LakeSettings.from_env()
    assert str(caught.value).startswith(f"{name} is {value!r}; ")
    assert wanted in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_token_in_a_bad_address_is_not_told(told: pytest.MonkeyPatch) -> None:
    told.setenv("SPARK_REMOTE", "spark.example:15002/;token=s3cret")
    with pytest.raises(BadSetting, match="SPARK_REMOTE") as caught:
        LakeSettings.from_env()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("memory", ["512m", "16g", "1t", "900000k"])
def test_memory_in_javas_words(told: pytest.MonkeyPatch, memory: str) -> None:
    told.setenv("SPARK_DRIVER_MEMORY", memory)
    assert LakeSettings.from_env().spark_driver_memory == memory


def test_secrets_are_masked(told: pytest.MonkeyPatch) -> None:
    told.setenv("AWS_SECRET_ACCESS_KEY", "aws-s3cret")
    told.setenv("SPARK_REMOTE", "sc://spark.example:15002/;token=spark-s3cret")
    settings = LakeSettings.from_env()
    for text in (repr(settings), str(settings)):
        assert "aws-s3cret" not in text
        assert "spark-s3cret" not in text
    assert settings.spark_remote == "sc://spark.example:15002/;token=spark-s3cret"


def test_settings_do_not_change() -> None:
    settings = LakeSettings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.aws_region = "eu-central-1"


@pytest.mark.parametrize("root", ["lakes/mine", "lakes/mine/", "./lakes/mine"])
def test_a_lake_in_a_folder_has_its_landing_beside_it(told: pytest.MonkeyPatch, tmp_path: Path, root: str) -> None:
    told.setenv("LAKE_ROOT", root)
    settings = LakeSettings.from_env()
    assert settings.root.uri == str(tmp_path / "lakes" / "mine")
    assert settings.landing == tmp_path / "lakes" / "landing"


def test_a_lake_on_s3_has_its_landing_in_the_home_folder(told: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told.setenv("LAKE_ROOT", "s3://bucket/lake/")
    settings = LakeSettings.from_env()
    assert settings.root.uri == "s3://bucket/lake"
    assert settings.root.child("gold", "x").spark_uri == "s3a://bucket/lake/gold/x"
    assert settings.landing == tmp_path / ".lakeline" / "landing"


def test_the_landing_folder_can_be_named(told: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told.setenv("LAKE_ROOT", "s3://bucket")
    told.setenv("LANDING_ROOT", "inbox")
    assert LakeSettings.from_env().landing == tmp_path / "inbox"
