"""`lakeline upkeep`, as a person runs it."""

import os
import re
from pathlib import Path

import pytest

from tests.api.terminal import ORDERS, Said, lakeline

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with definitions of its own, of whose tables two versions were made."""
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "shop")
    (tmp_path / "shop.py").write_text(ORDERS)
    for name, line in (("a.csv", "1,2.5"), ("b.csv", "2,-1")):
        (tmp_path / name).write_text(f"id,amount\n{line}\n")
        os.utime(tmp_path / name, (1, 1))
        assert lakeline("land", name, folder=tmp_path).code == 0
        assert lakeline("run", folder=tmp_path).code == 0
    return tmp_path


def tables(said: Said) -> dict[str, dict[str, object]]:
    told = said.json
    assert isinstance(told, dict)
    return {table["key"]: table for table in told["tables"]}


def test_it_tells_what_would_go_and_why_the_rest_stays_then_does_it_and_nothing_is_stale(shop: Path) -> None:
    looked = lakeline("upkeep", "--dry-run", "--older-than", "0h", folder=shop)
    assert looked.code == 0
    assert "would be removed" in looked.out
    assert "silver.orders v1 was made from it" in looked.out
    assert "1 files of" in looked.out
    would = tables(lakeline("upkeep", "--dry-run", "--older-than", "0h", "--json", folder=shop))
    assert would["silver.orders"]["kept"] == [{"version": 1, "why": ["the newest"], "recent": False}]
    did = tables(lakeline("upkeep", "--older-than", "0h", "--json", folder=shop))
    assert did == would
    assert did["silver.orders"]["removed"] == {"files": 1, "bytes": did["silver.orders"]["removed"]["bytes"]}  # type: ignore[index]
    assert "quarantine.silver.orders" in did
    planned = lakeline("plan", "--json", folder=shop).json
    assert isinstance(planned, list)
    assert {step["state"] for step in planned} == {"FRESH"}
    assert lakeline("doctor", folder=shop).code == 0
    again = lakeline("upkeep", "--older-than", "0h", folder=shop)
    assert again.out.endswith("nothing to do\n")


def test_what_was_given_wrong_is_code_2(shop: Path) -> None:
    for arguments, told in ((("--older-than", "soon"), "36h or 7d"), (("silver.order",), "silver.orders")):
        said = lakeline("upkeep", *arguments, folder=shop)
        assert (said.code, said.out) == (2, "")
        assert told in said.err


def test_a_table_that_fails_is_code_1_and_the_others_are_tended(shop: Path) -> None:
    log = shop / ".lakeline" / "lake" / "silver" / "orders" / "_delta_log"
    for file in log.glob("*.json"):
        file.write_text(re.sub(r"(engine\W+)duckdb", r"\1spark", file.read_text()))
    said = lakeline("upkeep", "--older-than", "0h", folder=shop, SPARK_REMOTE="sc://127.0.0.1:1")
    assert said.code == 1
    assert "failed: silver.orders: no Spark server answers at 'sc://127.0.0.1:1'" in said.err
    assert "quarantine.silver.orders" in said.out


def test_a_log_that_cannot_be_read_is_code_1_and_the_others_are_tended(shop: Path) -> None:
    lake = shop / ".lakeline" / "lake"
    (lake / "bronze" / "orders_raw" / "_delta_log" / f"{1:020}.json").write_text("{garbage\n")
    said = lakeline("upkeep", "--older-than", "0h", folder=shop)
    assert said.code == 1
    assert "failed: bronze.orders_raw: the log file" in said.err
    assert "1 files of" in said.out
    assert len(list((lake / "silver" / "orders").glob("*.parquet"))) == 1


def test_what_a_table_whose_log_cannot_be_read_may_need_is_left_alone(shop: Path) -> None:
    (shop / ".lakeline" / "lake" / "silver" / "orders" / "_delta_log" / f"{1:020}.json").write_text("{garbage\n")
    said = lakeline("upkeep", "--older-than", "0h", folder=shop)
    assert said.code == 1
    assert "failed: silver.orders: the log file" in said.err
    assert "note: bronze.orders_raw: any version of it may be needed by silver.orders" in said.err
    assert said.out.endswith("nothing to do\n")
