import socket
from pathlib import Path

import pytest

from lakehouse.lake import Lake
from tests.api.terminal import lakeline
from tests.observability.drifted import MODEL, TABLE, gateway, grown, serving

pytestmark = pytest.mark.slow


def test_what_drifted_is_shown_recorded_and_pushed(tmp_path: Path) -> None:
    lake = Lake.from_env()
    grown(lake, 1.0, 2.0)
    serving(lake)
    grown(lake, 3.0, None)
    with gateway() as (address, pushed):
        said = lakeline("drift", folder=tmp_path, PUSHGATEWAY_URL=address)
        assert said.code == 0, said.err
        again = lakeline("drift", MODEL, "--json", folder=tmp_path, PUSHGATEWAY_URL=address)
    assert f"{TABLE} v1, beside v0 that {MODEL} v1 (production) learned from: recorded in ops.drift" in said.out
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["column", "ks", "statistic", "p-value", "baseline", "v0", "current", "v1"],
        ["sepal_length", "0.3333", "1", "2", "rows", "4", "rows,", "1", "without", "a", "value"],
    ]
    assert len(pushed) == 2
    (row,) = lake.read_arrow("ops.drift").to_pylist()
    assert again.json == [row | {"at": row["at"].isoformat()}]


def test_a_gateway_that_is_down_is_code_1_and_everything_is_recorded(tmp_path: Path) -> None:
    lake = Lake.from_env()
    grown(lake, 1.0)
    serving(lake)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = lakeline("drift", folder=tmp_path, PUSHGATEWAY_URL=f"http://127.0.0.1:{port}")
    assert said.code == 1
    assert "sepal_length" in said.out
    assert "what was measured is kept in the lake, but" in said.err
    assert len(lake.history("ops.drift")) == 1


def test_where_nothing_serves_there_is_nothing_to_do(tmp_path: Path) -> None:
    empty = lakeline("drift", folder=tmp_path)
    assert (empty.code, empty.out) == (0, "")
    assert empty.err == "nothing serves yet: no model is registered\n"
    declared = lakeline("drift", MODEL, "--json", folder=tmp_path)
    assert (declared.code, declared.json) == (0, [])
    assert declared.err == f"nothing serves yet: no version of {MODEL} has the alias 'production'\n"


def test_a_model_that_nobody_knows_is_code_2(tmp_path: Path) -> None:
    said = lakeline("drift", "roses", folder=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert "no model is registered as 'roses'" in said.err


def test_one_table_that_cannot_be_compared_stops_no_other(tmp_path: Path) -> None:
    lake = Lake.from_env()
    grown(lake, 1.0)
    grown(lake, 2.0, key="gold.others")
    serving(lake, TABLE, "gold.others")
    (Path(lake.location(TABLE).uri) / "_delta_log" / f"{0:020}.json").write_text("garbage\n")
    said = lakeline("drift", "--json", folder=tmp_path)
    assert said.code == 1
    assert "cannot be understood" in said.err
    assert isinstance(said.json, list)
    assert [row["table"] for row in said.json] == ["gold.others"]
