import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from api.cli.main import app
from tests.api.terminal import ORDERS, Said, lakeline

READING = (
    ("assets",),
    ("plan",),
    ("plan", "--explain", "silver.orders"),
    ("history", "orders"),
    ("lineage", "silver.orders"),
    ("lineage", "orders@0"),
    ("sql", "from silver.orders"),
    ("models",),
    ("runs",),
    ("spark", "status"),
    ("doctor",),
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with definitions of its own and two orders to land, one of them bad."""
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "shop")
    return opened(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, after a run; for the tests that change nothing."""
    return run_in(opened(tmp_path_factory.mktemp("kept")))


@pytest.fixture
def made(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kept shop, as the place in which the test's commands run."""
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "shop")
    monkeypatch.setenv("LAKELINE_HOME", str(kept / ".lakeline"))
    return kept


def opened(folder: Path) -> Path:
    (folder / "shop.py").write_text(ORDERS)
    landed(folder, "orders.csv", "1,2.5", "2,-1")
    return folder


def landed(folder: Path, name: str, *orders: str) -> Path:
    """A file that was written long ago, so that nobody waits to see whether it still grows."""
    file = folder / name
    file.write_text("\n".join(("id,amount", *orders, "")))
    os.utime(file, (1, 1))
    return file


def run_in(folder: Path) -> Path:
    own = {"LAKELINE_DEFINITIONS": "shop", "LAKELINE_HOME": str(folder / ".lakeline")}
    assert lakeline("land", "orders.csv", folder=folder, **own).code == 0
    assert lakeline("run", folder=folder, **own).code == 0
    return folder


def commands(group: typer.Typer = app) -> list[str]:
    """Every command of the program, with the group's name before it."""
    names = [command.name or command.callback.__name__ for command in group.registered_commands if command.callback]
    inner = [(g.name, g.typer_instance) for g in group.registered_groups if g.typer_instance]
    return names + [f"{name} {command}" for name, sub in inner for command in commands(sub)]


@pytest.mark.slow
def test_a_run_tells_what_it_made_and_why(shop: Path) -> None:
    lakeline("land", "orders.csv", folder=shop)
    said = lakeline("run", folder=shop)
    assert said.code == 0
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[0] == ["asset", "action", "why", "version", "rows", "seconds"]
    assert rows[1][:8] == ["bronze.orders_raw", "made", "never", "made", "-", "->", "v0", "2"]
    assert rows[2][:8] == ["silver.orders", "made", "never", "made", "-", "->", "v0", "1"]
    assert "1 of 2 rows fail 'amount > 0': kept back in quarantine.silver.orders" in said.err


@pytest.mark.slow
def test_a_second_run_does_nothing_and_says_so(made: Path) -> None:
    said = lakeline("run", folder=made)
    assert said.code == 0
    assert "nothing to do: 2 fresh" in said.out
    assert not (made / ".lakeline" / "spark").exists()


@pytest.mark.slow
def test_a_failed_run_is_code_1_and_names_the_rows(shop: Path) -> None:
    run_in(shop)
    landed(shop, "twice.csv", "1,3")
    lakeline("land", "twice.csv", folder=shop)
    said = lakeline("run", folder=shop)
    assert said.code == 1
    assert "2 of 3 rows fail 'unique(id)', such as (id='1', amount=" in said.err
    assert lakeline("sql", "from silver.orders", "--json", folder=shop).json == [{"id": "1", "amount": 2.5}]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", READING, ids=lambda words: words[0])
def test_what_reads_answers_in_json(made: Path, arguments: tuple[str, ...]) -> None:
    said = lakeline(*arguments, "--json", folder=made)
    assert said.code == 0, said.err
    assert isinstance(said.json, list | dict)
    people = lakeline(*arguments, folder=made)
    assert people.code == 0
    assert people.out.strip()


@pytest.mark.slow
def test_a_run_in_json_is_one_document(shop: Path) -> None:
    run_in(shop)
    told = lakeline("run", "--force", "--json", folder=shop).json
    assert isinstance(told, dict)
    assert [(o["key"], o["action"], o["before"], o["after"]) for o in told["outcomes"]] == [
        ("bronze.orders_raw", "made", 0, 1),
        ("silver.orders", "made", 0, 1),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("plan", "silver.order"), "did you mean silver.orders"),
        (("assets", "silver.* and and"), "found 'and'\n  silver.* and and\n               ^"),
        (("plan", "bronze.*", "--explain", "silver.orders"), "silver.orders is not chosen by 'bronze.*'"),
        (("run", "nothing.there"), "no asset is named 'nothing.there'"),
        (("run", "--at", "bronze.orders_raw@7"), "bronze.orders_raw has no version 7; it has 0 to 0"),
        (("run", "show", "nope"), "no version was made by a run 'nope'; did you mean 20"),
        (("history", "silver.nope"), "nothing has made 'silver.nope' yet"),
        (("lineage", "silver.orders@7"), "has no version 7; it has 0 to 0"),
        (("sql", "select * from no_such_table"), "no_such_table"),
        (("sql", "select * from lakeline.at('silver.orders', 7)"), "7"),
        (("sql", "copy (select 1) to 'shop.py'"), "COPY is no question; wanted a SELECT"),
        (("sql", "select 1; create table t as select 1"), "CREATE is no question"),
        (("land", "missing.csv"), "'missing.csv' was not landed: it is not a file"),
        (("land", "shop.py"), "landing.order_files takes files named '*.csv'"),
        (("models", "nope"), "no model is registered as 'nope'"),
        (("promote", "nope", "--to", "staging"), "no model is registered as 'nope'"),
        (("predict", "a=1"), "the definitions hold no model"),
        (("predict", "a"), "the field 'a' cannot be read: wanted FIELD=VALUE, or a file and '--to'"),
        (("new", "asset", "Orders"), "'Orders' is not a key; wanted 'layer.name'"),
        (("serve", "--port", "99999", "--model", "iris"), "LAKELINE_SERVE_PORT"),
        (("no-such-command",), "No such command"),
        (("plan", "--no-such-option"), "No such option"),
    ],
)
def test_a_command_that_was_given_wrong_is_code_2(made: Path, arguments: tuple[str, ...], told: str) -> None:
    said = lakeline(*arguments, folder=made)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SPARK_REMOTE", "localhost:15002", "wanted the address of a server, as sc://host:15002"),
        ("LAKE_ROOT", "ftp://lake", "wanted a folder or s3://bucket/prefix"),
        ("SPARK_DRIVER_MEMORY", "lots", "SPARK_DRIVER_MEMORY is 'lots'"),
        ("LAKELINE_MIRROR_STAGES", "perhaps", "LAKELINE_MIRROR_STAGES is 'perhaps'"),
    ],
)
def test_a_wrong_setting_is_named(made: Path, name: str, value: str, told: str) -> None:
    said = lakeline("plan", folder=made, **{name: value})
    assert said.code == 2
    assert told in said.err


@pytest.mark.slow
def test_definitions_that_cannot_be_loaded_are_code_2_with_the_place(shop: Path) -> None:
    (shop / "shop.py").write_text(ORDERS + "\n1 / 0\n")
    said = lakeline("plan", folder=shop)
    assert said.code == 2
    assert "ZeroDivisionError" in said.err
    assert "shop.py:" in said.err


@pytest.mark.slow
def test_an_empty_folder_has_a_plan(tmp_path: Path) -> None:
    said = lakeline("plan", "--json", folder=tmp_path)
    states = {step["key"]: step["state"] for step in as_rows(said)}
    assert states["gold.iris_predictions"] == "BLOCKED"
    assert states["bronze.iris_raw"] == "BLOCKED"
    assert not (tmp_path / ".lakeline").exists()


@pytest.mark.parametrize("command", commands())
def test_each_command_shows_an_example(command: str) -> None:
    told = CliRunner().invoke(app, [*command.split(), "--help"])
    assert told.exit_code == 0
    assert f"lakeline {command}" in told.output.split("Example:", 1)[1]


@pytest.mark.slow
def test_the_shell_completes(tmp_path: Path) -> None:
    said = lakeline(
        folder=tmp_path,
        _LAKELINE_COMPLETE="complete_bash",
        COMP_WORDS="lakeline pro",
        COMP_CWORD="1",
        _TYPER_COMPLETE_ARGS="",
    )
    assert "promote" in said.out


def as_rows(said: Said) -> list[dict[str, object]]:
    assert isinstance(said.json, list)
    return said.json


@pytest.mark.slow
def test_doctor_asks_an_mlflow_of_which_no_model_is_known(tmp_path: Path) -> None:
    said = lakeline(
        "doctor", folder=opened(tmp_path), LAKELINE_DEFINITIONS="shop", MLFLOW_TRACKING_URI="http://127.0.0.1:9"
    )
    assert said.code == 1
    assert "MLflow at 'http://127.0.0.1:9' does not answer" in " ".join(said.out.split())
