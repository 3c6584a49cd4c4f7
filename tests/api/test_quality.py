"""The commands about checks: what was found, what is kept back, and back with it once it is mended."""

import os
from pathlib import Path

import pytest

from tests.api.terminal import ORDERS, lakeline

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path, own_home: Path) -> Path:
    """A folder in which two of three orders were kept back."""
    (tmp_path / "shop.py").write_text(ORDERS)
    landed(tmp_path, "orders.csv", "1,2.5", "2,-1", "3,")
    return tmp_path


def landed(folder: Path, name: str, *orders: str) -> None:
    """A file that was written long ago, so that nobody waits to see whether it still grows."""
    (folder / name).write_text("\n".join(("id,amount", *orders, "")))
    os.utime(folder / name, (1, 1))


def said(shop: Path, *arguments: str) -> object:
    done = lakeline(*arguments, folder=shop, LAKELINE_DEFINITIONS="shop")
    assert done.code == 0, done.err
    return done.json if "--json" in arguments else done.out


def run(shop: Path) -> None:
    said(shop, "land", "orders.csv")
    said(shop, "run")


def test_what_was_kept_back_is_shown_written_mended_and_released(shop: Path) -> None:
    run(shop)
    shown = said(shop, "quarantine", "orders")
    assert "amount > 0" in shown  # type: ignore[operator]
    assert "2 rows are kept back from silver.orders" in shown  # type: ignore[operator]
    assert "2 rows of quarantine.silver.orders are in mend.csv" in said(
        shop, "quarantine", "silver.orders", "--to", "mend.csv"
    )  # type: ignore[operator]
    header, *lines = (shop / "mend.csv").read_text().splitlines()
    assert header == "id,amount,failed_checks,row_id,run,sequence"
    (shop / "mend.csv").write_text("\n".join([header, *(line.replace("2,-1.0,", "2,1.0,") for line in lines)]))
    partly = lakeline(
        *("quarantine", "silver.orders", "--release", "mend.csv", "--why", "typed wrong"),
        folder=shop,
        LAKELINE_DEFINITIONS="shop",
    )
    assert partly.code == 1
    assert "1 rows were released to silver.orders, in version 1" in partly.out
    assert "stays: it fails amount > 0" in partly.out
    assert said(shop, "sql", "select id, amount from silver.orders order by id", "--json") == [
        {"id": "1", "amount": 2.5},
        {"id": "2", "amount": 1.0},
    ]
    left = said(shop, "quarantine", "silver.orders", "--json", "--limit", "1")
    assert left["rows"] == 1  # type: ignore[index, call-overload]
    assert left["shown"][0]["id"] == "3"  # type: ignore[index, call-overload]
    assert "nothing to do" in said(shop, "run")  # type: ignore[operator]


def test_checks_tell_what_they_found_in_each_version(shop: Path) -> None:
    run(shop)
    landed(shop, "more.csv", "4,4")
    said(shop, "land", "more.csv")
    said(shop, "run")
    shown = said(shop, "checks", "orders")
    rows = [line.split() for line in shown.splitlines()]  # type: ignore[attr-defined]
    assert rows[0] == ["version", "at", "check", "otherwise", "failed", "of", "measured", "run"]
    assert [(row[0], row[3:7], row[-3]) for row in rows[1:3]] == [
        ("v0", ["amount", ">", "0", "quarantine"], "2"),
        ("v0", ["unique(id)", "fail", "0", "3"], "0"),
    ]
    told = said(shop, "checks", "silver.orders", "--json")
    assert [made["version"] for made in told] == [0, 1]  # type: ignore[attr-defined]
    assert told[1]["checks"][0] == {  # type: ignore[index]
        "name": "amount > 0",
        "otherwise": "quarantine",
        "failed": 2,
        "total": 4,
        "measured": None,
    }


WRONG = {
    ("checks", "silver.ordrs"): "did you mean silver.orders",
    ("quarantine", "silver.ordrs"): "did you mean silver.orders",
    ("quarantine", "orders", "--to", "mend.txt"): "wanted a name that ends in .csv or .parquet",
    ("quarantine", "silver.orders", "--to", "orders.csv"): "orders.csv: it is there already",
    ("quarantine", "silver.orders", "--release", "no.csv", "--why", "x"): "no.csv: there is no such file",
    ("quarantine", "silver.orders", "--release", "orders.csv", "--why", "x"): "column 'row_id' is missing",
    ("quarantine", "silver.orders", "--release", "orders.csv"): "needs --why",
    ("quarantine", "silver.ordrs", "--release", "orders.csv", "--why", "x"): "no asset is named 'silver.ordrs'",
}


def test_what_is_asked_wrongly_is_code_2_and_one_line(shop: Path) -> None:
    run(shop)
    for arguments, told in WRONG.items():
        done = lakeline(*arguments, folder=shop, LAKELINE_DEFINITIONS="shop")
        assert done.code == 2, done.out
        assert told in " ".join(done.err.split())
