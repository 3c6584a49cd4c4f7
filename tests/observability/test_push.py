import socket
from datetime import UTC, datetime

import pytest

from lakehouse.errors import BadSetting
from lakehouse.table import TableVersion
from observability.drift import ColumnDrift, Measurement, Pair
from observability.errors import PushFailed
from observability.push import metric_names, push
from observability.settings import ObservabilitySettings
from tests.observability.drifted import gateway


def column(name: str, ks: float | None = 0.25, p: float | None = 0.5) -> ColumnDrift:
    return ColumnDrift(
        column=name,
        baseline_rows=4,
        current_rows=4,
        baseline_nulls=0,
        current_nulls=0,
        ks_statistic=ks,
        p_value=p,
    )


def measured(*columns: ColumnDrift) -> Measurement:
    pair = Pair(
        model="iris",
        model_id="m-1",
        model_version=3,
        alias="production",
        table="gold.rows",
        baseline=TableVersion(table_id="t", version=0),
        current=TableVersion(table_id="t", version=1),
    )
    return Measurement(at=datetime(2026, 1, 1, tzinfo=UTC), pair=pair, columns=columns)


def values(text: str) -> dict[str, float]:
    """The gauges of a text in Prometheus' format."""
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


@pytest.mark.slow
def test_each_column_has_two_gauges_in_the_group_of_its_model_and_table() -> None:
    with gateway() as (address, pushed):
        push(address, measured(column("sepal_length"), column("petal_width", 1.0, 0.03)))
    ((path, text),) = pushed
    assert path == "/metrics/job/model_monitoring/alias/production/model/iris/table/gold.rows"
    assert values(text) == {
        "sepal_length_ks_statistic": 0.25,
        "sepal_length_p_value": 0.5,
        "petal_width_ks_statistic": 1.0,
        "petal_width_p_value": 0.03,
    }


@pytest.mark.slow
def test_a_column_without_values_has_no_gauge() -> None:
    with gateway() as (address, pushed):
        push(address, measured(column("empty", None, None), column("full")))
    assert set(values(pushed[0][1])) == {"full_ks_statistic", "full_p_value"}


@pytest.mark.slow
def test_names_are_valid_and_each_columns_own() -> None:
    with gateway() as (address, pushed):
        push(address, measured(column("a b", 0.1), column("a_b", 0.2), column("2nd", 0.3), column("größe", 0.4)))
    found = {name: value for name, value in values(pushed[0][1]).items() if name.endswith("_ks_statistic")}
    assert found == {
        "a_b_ks_statistic": 0.2,
        "a_b_2_ks_statistic": 0.1,
        "_2nd_ks_statistic": 0.3,
        "gr__e_ks_statistic": 0.4,
    }
    assert metric_names(["a b", "a_b", "a_b_2"]) == metric_names(["a_b_2", "a_b", "a b"])


@pytest.mark.slow
def test_a_gateway_that_is_down_or_refuses_is_told_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(PushFailed, match=f"'http://127.0.0.1:{port}' did not take it.*measure again"):
        push(f"http://127.0.0.1:{port}", measured(column("a")))
    with gateway(answer=500) as (address, _), pytest.raises(PushFailed, match="500"):
        push(address, measured(column("a")))


@pytest.mark.parametrize("wrong", ["gateway:port", "http://", "ftp://gateway", "http://ann:secret@:0"])
def test_an_address_that_is_none_is_told_at_the_start(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHGATEWAY_URL", wrong)
    with pytest.raises(BadSetting, match="PUSHGATEWAY_URL is .*http://host:9091") as caught:
        ObservabilitySettings.from_env()
    assert "secret" not in str(caught.value)


def test_unset_nothing_is_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUSHGATEWAY_URL", raising=False)
    assert ObservabilitySettings.from_env().gateway is None


def test_an_address_may_leave_its_protocol_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHGATEWAY_URL", "gateway:9091")
    assert ObservabilitySettings.from_env().gateway == "http://gateway:9091"
