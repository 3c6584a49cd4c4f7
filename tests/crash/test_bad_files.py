"""Files that are no tables, and a log with something else in it: each is told in words, and the rest goes on."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.killing import Ended, finished, finished_with_peak, lakeline
from tests.crash.ledger import Ledger

pytestmark = pytest.mark.slow

TABLES = "+gold.sized"
GOOD = "id,amount\n900,1\n901,2\n"
MEGABYTE = 1_000_000


def put(ledger: Ledger, name: str, content: bytes) -> None:
    """Puts a file into the landing folder, as another system does it."""
    file = ledger.place.folder / name
    file.write_bytes(content)
    finished(ledger.place, "land", str(file))


def test_a_file_that_is_no_table_is_set_aside_with_the_reason_and_the_rest_goes_on(ledger: Ledger) -> None:
    noise = random.Random(5).randbytes(20_000)
    bad = {
        "delimiter.csv": (b"id;amount\n1;2\n", "its header is 'id;amount', wanted the columns id, amount"),
        "wide.csv": (GOOD.encode("utf-16"), "line 1 is not UTF-8; save it as UTF-8"),
        "binary.csv": (b"\x7fELF\x00" + noise, "line 1 "),
        "quote.csv": (b'id,amount\n1,"2\n3,4\n', "line 3 is no CSV: unexpected end of data"),
        "latin.csv": (b"id,amount\n1,2\xe9\n", "line 2 is not UTF-8"),
        "short.csv": (b"id,amount\n1\n", "line 2 has 1 fields, wanted 2"),
        "empty.csv": (b"", "it is empty"),
    }
    ledger.land()
    for name, (content, _) in bad.items():
        put(ledger, name, content)
    put(ledger, "bom.csv", b"\xef\xbb\xbf" + GOOD.encode())
    ledger.good += [900, 901]

    told = finished(ledger.place, "run", TABLES)
    said = " ".join((told.out + told.err).split())
    aside = ledger.place.home / "rejected" / "landing.order_files"
    for name, (content, reason) in bad.items():
        assert f"{name} was set aside: {reason}" in said, said
        (kept,) = aside.glob(f"*-{name}")
        assert kept.read_bytes() == content
        assert json.loads(kept.with_name(f"{kept.name}.reason.json").read_text())["reason"].startswith(reason)
        assert (ledger.place.home / "landing" / "orders" / name).read_bytes() == content
    ledger.examine_tables()
    assert "was set aside" not in finished(ledger.place, "run", TABLES).out, "it is told once"


@pytest.mark.parametrize("line", [b"x" * 100 * MEGABYTE, b"1," * 50 * MEGABYTE], ids=["one-field", "many-fields"])
def test_a_line_of_a_hundred_megabytes_costs_no_memory(ledger: Ledger, line: bytes) -> None:
    ledger.land()
    _, before = finished_with_peak(ledger.place, "run", TABLES)
    ledger.land()
    put(ledger, "endless.csv", b"id,amount\n1,2\n" + line + b"\n")
    ended, peak = finished_with_peak(ledger.place, "run", TABLES)
    assert "endless.csv was set aside: line 3 is longer than 1000000 characters" in " ".join(ended.err.split())
    print(f"a run took {before / MEGABYTE:.0f} MB, and {peak / MEGABYTE:.0f} MB with such a line")
    assert peak - before < 40 * MEGABYTE, (before, peak)
    ledger.examine_tables()


def random_bytes(log: Path) -> Path:
    (log / f"{1:020}.json").write_bytes(random.Random(1).randbytes(300))
    return log / f"{1:020}.json"


def half_a_commit(log: Path) -> Path:
    whole = (log / f"{0:020}.json").read_bytes()
    (log / f"{1:020}.json").write_bytes(whole[: len(whole) // 2])
    return log / f"{1:020}.json"


@pytest.mark.parametrize("garbage", [random_bytes, half_a_commit])
def test_a_log_with_garbage_for_a_commit_is_named_and_nothing_is_written_over_it(
    ledger: Ledger, garbage: Callable[[Path], Path]
) -> None:
    ledger.land()
    finished(ledger.place, "run", TABLES)
    file = garbage(ledger.place.lake / "silver" / "orders" / "_delta_log")
    ledger.land()
    ended = lakeline(ledger.place, "run", "silver.orders").wait()
    refused(ended, file.name)
    file.unlink()
    finished(ledger.place, "run", TABLES)
    ledger.examine_tables()


def test_what_is_no_commit_in_a_log_is_nobodys_business(ledger: Ledger) -> None:
    ledger.land()
    finished(ledger.place, "run", TABLES)
    log = ledger.place.lake / "silver" / "orders" / "_delta_log"
    (log / "_commit_0f6b2d52-5a3c-4f0e-b1f3-3c8f1a0c9f10.json.tmp").write_bytes(b"{")
    (log / f".{1:020}.json.crc").write_bytes(b"crc")
    (log / "notes.txt").write_text("who wrote this?")
    (log / "_staged_commits").mkdir()
    ledger.land()
    finished(ledger.place, "run", TABLES)
    ledger.examine_tables()


def refused(ended: Ended, *words: str) -> None:
    """It failed, and one line of what it said holds all the words."""
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err, ended
    said = " ".join((ended.err + ended.out).split())
    assert all(word in said for word in words), ended
