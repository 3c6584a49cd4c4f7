"""Options of the wrong sort are told with the author's file and line, what was found and what is wanted."""

from pathlib import Path

import pytest

from assets.catalog import load
from assets.errors import BadOption

WRONG = {
    "tags": ("@asset('gold.told', tags=['x'])", "tags is ['x']; wanted texts by name: tags={'line': 'orders'}"),
    "a tag": ("@asset('gold.told', tags={'x': 1})", "tags is {'x': 1}; wanted texts by name"),
    "inputs": ("@asset('gold.told', inputs=['x'])", "inputs is ['x']; wanted texts by name: inputs={'orders':"),
    "an input": ("@asset('gold.told', inputs={'x': 5})", "inputs is {'x': 5}; wanted texts by name"),
    "owner": ("@asset('gold.told', owner=3)", "owner is 3; wanted a text: owner='...'"),
    "group": ("@asset('gold.told', group=['a'])", "group is ['a']; wanted a text: group='...'"),
    "code": ("@asset('gold.told', code=1)", "code is 1; wanted a text: code='...'"),
    "key": ("@asset(5)", "the key of @asset is 5; wanted the key in parentheses: @asset('layer.name')"),
    "no parentheses": ("@asset", "@asset is without a key; wanted the key in parentheses: @asset('layer.name')"),
    "a model without": ("@model", "@model is without a key; wanted the key in parentheses: @model('layer.name')"),
    "write": ("@asset('gold.told', write=['append'])", "write is ['append']; wanted one of 'replace', 'append'"),
    "schema": ("@asset('gold.told', schema=[1])", "schema is [1]; wanted one of 'fixed', 'evolve'"),
    "engine": ("@asset('gold.told', engine=None)", "engine is None; wanted one of 'spark', 'duckdb'"),
    "retries": ("@asset('gold.told', retries=True)", "retries is True; wanted a whole number from 0"),
    "checks": ("@asset('gold.told', checks=5)", "checks of 'gold.told' is 5; wanted a list of checks"),
    "a check": ("@asset('gold.told', checks=['x'])", "a check of 'gold.told' is 'x'; wanted one of rows(...)"),
    "unique": ("@asset('gold.told', checks=[unique(5)])", "is unique(5,); wanted names of columns"),
    "rows": ("@asset('gold.told', checks=[rows(5)])", "is rows(5); wanted a SQL expression"),
    "references": (
        "@asset('gold.told', checks=[references(5, 'silver.x', 'b')])",
        "wanted names of columns and of a table",
    ),
    "custom": ("@asset('gold.told', checks=[custom(5, len)])", "is custom(5, ...); wanted a name first"),
    "matches": ("@asset('gold.told', checks=[matches({'a': 5})])", "is matches({'a': 5}); wanted SQL types by column"),
    "row_count": ("@asset('gold.told', checks=[row_count(at_least='x')])", "is 'x'; wanted numbers: at_least=1"),
    "fresh": (
        "@asset('gold.told', checks=[fresh('x', within=5)])",
        "within of fresh('x') is 5; wanted a text such as '24h'",
    ),
    "the input of fresh": (
        "@asset('gold.told', checks=[fresh(5, within='1h')])",
        "is 5; wanted a text: 'bronze.orders'",
    ),
    "merge": ("@asset('gold.told', write=merge(on=5))", "on of merge(...) is (5,); wanted the names of the columns"),
    "delete": (
        "@asset('gold.told', write=merge(on='a', delete=5))",
        "delete of merge(...) is 5; wanted a SQL expression",
    ),
    "drop": (
        "@asset('gold.told', write=merge(on='a', delete='b', drop=5))",
        "drop of merge(...) is (5,); wanted names",
    ),
    "gates": ("@model('models.told', gates=['x'])", "gates is ['x']; wanted texts by name: gates={'staging': 'human'}"),
    "a gate": ("@model('models.told', gates={'staging': 'x'})", "gate is 'x'; wanted one of 'human', 'rule'"),
    "metric": ("@model('models.told', metric=5)", "metric is 5; wanted a text: metric='...'"),
    "higher is better": (
        "@model('models.told', higher_is_better='no')",
        "higher_is_better is 'no'; wanted one of True, False",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_option_of_the_wrong_sort_is_told_with_its_place(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, message = WRONG[what]
    name = f"wrong_{abs(hash(what))}"
    text = f"from assets import *\n\n{words}\ndef told():\n    return 1\n"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadOption) as caught:
        load([name])
    assert message in str(caught.value)
    assert str(caught.value.where) in {f"{tmp_path / name}.py:3", f"{tmp_path / name}.py:4"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("5, files='*.csv', columns=['a']", "key is 5; wanted a text"),
        ("'landing.x', files=5, columns=['a']", "files is 5; wanted a text"),
        ("'landing.x', files='.', columns=['a']", "wanted a pattern below the landing folder"),
        ("'landing.x', files='a**b/*', columns=['a']", "wanted a pattern below the landing folder"),
        ("'landing.x', files='*.csv', columns='ab'", "columns is 'ab'; wanted a list of texts"),
        ("'landing.x', files='*.csv', columns=5", "columns is 5; wanted a list of texts"),
        ("'landing.x', files='*.csv', columns=['a'], tags=['x']", "tags is ['x']; wanted texts by name"),
    ],
)
def test_an_external_of_the_wrong_sort_is_told_with_its_place(
    given: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"wrong_{abs(hash(given))}"
    (tmp_path / f"{name}.py").write_text(f"from assets import external\n\nx = external({given})\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadOption) as caught:
        load([name])
    assert message in str(caught.value)
    assert str(caught.value.where) == f"{tmp_path / name}.py:3"


def test_what_is_no_function_cannot_be_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from functools import partial\nfrom assets import asset\n\ntold = asset('gold.told')(partial(len))\n"
    (tmp_path / "wrong_partial.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadOption, match=r"wrong_partial\.py:4: what @asset stands over is .*; wanted a function"):
        load(["wrong_partial"])
