"""A change of code is told by the names of what changed."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from assets.asset import Made
from assets.code import code_cause, kept
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp, decode
from tests.assets.authored import made_by

OLD, NEW = "0123456789abcdef", "fedcba9876543210"


def stamp(code: str, parts: Mapping[str, str] | None = None) -> Stamp:
    """What a commit said, as it is read back."""
    told = Stamp(asset="gold.told", code=code, inputs={}, run="r", sequence=1, extra=kept(parts or {}))
    read = decode(told.encode())
    assert read is not None
    return read


def many(count: int, **changed: str) -> dict[str, str]:
    """The parts of an asset that uses many helpers of three modules."""
    helpers = {f"flowers.cleaning{n % 3}.parse_number_{n}": f"{n:08x}" for n in range(count)}
    return {"function": "00000000", **helpers, **{name.replace("__", "."): digits for name, digits in changed.items()}}


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"a.f": "1"}, {"a.f": "2"}, "code (a.f changed)"),
        ({"function": "1"}, {"function": "2"}, "code (the function changed)"),
        ({"checks": "1", "a.f": "1"}, {"checks": "2", "a.f": "1"}, "code (checks changed)"),
        ({"function": "1"}, {"function": "2", "a.f": "1"}, "code (the function changed, a.f is new)"),
        (
            {"function": "1", "a.f": "1"},
            {"function": "2", "b.f": "1"},
            "code (the function changed, b.f is new, a.f is gone)",
        ),
        ({"function": "1", "a.f": "1"}, {"function": "2", "a.f": "2"}, "code (a.f changed, the function changed)"),
        ({"function": "1"}, {"function": "1"}, "code"),
        ({}, {"function": "1"}, "code"),
        ({"function": "1"}, {}, "code"),
    ],
)
def test_the_cause_names_what_changed(before: Mapping[str, str], now: Mapping[str, str], told: str) -> None:
    assert code_cause(stamp(OLD, before), NEW, now) == told


def test_many_changes_are_counted() -> None:
    before, now = ({f"a.f{n}": digit for n in range(9)} for digit in "12")
    assert code_cause(stamp(OLD, before), NEW, now) == "code (a.f0 changed, a.f1 changed, a.f2 changed, and 6 more)"


def test_versions_by_hand_are_told_as_they_are() -> None:
    assert code_cause(stamp("1"), "2", {}) == "code 1 -> 2"
    assert code_cause(stamp(OLD), "2", {}) == "code"
    assert code_cause(stamp("1"), NEW, {"function": "1"}) == "code"


@pytest.mark.parametrize("count", [0, 10, 300, 10_000])
def test_a_stamp_stays_small_however_many_helpers_there_are(count: int) -> None:
    assert len(stamp(OLD, many(count)).encode()) < 4_500


def test_where_there_are_many_helpers_the_cause_names_their_module() -> None:
    before = stamp(OLD, many(300))
    assert (
        code_cause(before, NEW, many(300, flowers__cleaning1__parse_number_1="9")) == "code (flowers.cleaning1 changed)"
    )
    assert code_cause(before, NEW, many(300, function="9")) == "code (the function changed)"
    assert code_cause(before, NEW, many(300)) == "code"


def test_one_helper_more_that_makes_them_many_is_told_by_its_module() -> None:
    few = next(
        count
        for count in range(300)
        if len(stamp(OLD, many(count + 1)).encode()) < len(stamp(OLD, many(count)).encode())
    )
    assert (
        code_cause(stamp(OLD, many(few)), NEW, many(few + 1))
        == f"code (flowers.cleaning{few % 3}.parse_number_{few} is new)"
    )
    assert code_cause(stamp(OLD, many(few + 1)), NEW, many(few)) == f"code (flowers.cleaning{few % 3} changed)"


@pytest.mark.slow
def test_a_changed_helper_two_modules_away_makes_an_asset_stale_and_is_named(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan from the stamp of a real commit, over an edit of a file."""
    files = {
        "__init__": "",
        "line": "import pyarrow as pa\nfrom assets import asset\nfrom flowers.mid import mid\n\n"
        "@asset('gold.told', engine='duckdb')\ndef told():\n    return pa.table({'id': [mid(1)]})\n",
        "mid": "from flowers.cleaning import parse\n\ndef mid(x):\n    return parse(x)\n",
        "cleaning": "def parse(x):\n    return x * 2\n",
    }
    folder = tmp_path / "project" / "flowers"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(folder.parent)

    def causes(**edited: str) -> tuple[str, ...]:
        for name, content in (files | edited).items():
            (folder / f"{name}.py").write_text(content)
        for name in [name for name in sys.modules if name.partition(".")[0] == "flowers"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        told: Made = importlib.import_module("flowers.line").told
        materializer = made_by(lake, told)
        (step,) = materializer.plan().steps
        materializer.run()
        return step.causes

    assert causes() == ("never made",)
    assert causes() == ()
    assert causes(cleaning="'''Cleans.'''\n\n\ndef parse(x):\n    '''Parses.'''\n    return (x * 2)  # twice\n") == ()
    assert causes(cleaning="def parse(x):\n    return x * 30\n") == ("code (flowers.cleaning.parse changed)",)
    assert causes(cleaning="def parse(x):\n    return x * 30\n") == ()
