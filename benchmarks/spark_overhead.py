"""Lakeline on Spark against a bare PySpark script of the same transformations, on one warm server, in turns."""

import os
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from assets import asset, external, rows, unique
from assets.asset import Asset, TableAsset
from assets.graph import Graph
from assets.materialize import Materializer
from benchmarks.claim import Claim
from lakehouse import spark_server
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from registry.models import Models

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS = int(os.environ.get("LAKELINE_BENCH_ROWS", "5000000"))
TIMES = int(os.environ.get("LAKELINE_BENCH_TIMES", "3"))
KEYS = ("bronze.payments_raw", "silver.payments_clean", "gold.payments_daily")
GOOD = "amount > 0"


def claims(folder: Path, jars: Path) -> Iterator[Claim]:
    """Both sides make three tables of the same 5 million rows; with checks, and for `without-checks` without any."""
    settings = LakeSettings(lakeline_home=folder / "spark", lakeline_jars=jars)
    remote = spark_server.ensure(settings, lambda line: None)
    try:
        settings = LakeSettings(lakeline_home=folder / "spark", lakeline_jars=jars, spark_remote=remote)
        lake = Lake(settings)
        spark = _session(remote)
        source = str(folder / "source")
        _land(spark, source)
        checked = _ratio(folder, lake, spark, source, checks=True)
        free = _ratio(folder, lake, spark, source, checks=False)
        parts = {**checked, **{f"without-checks-{name}": value for name, value in free.items()}}
        yield Claim(name="spark-against-bare-pyspark", measured=checked["ratio"], target=1.10, unit="x", parts=parts)
    finally:
        spark_server.stop(LakeSettings(lakeline_home=folder / "spark", lakeline_jars=jars))


def _ratio(folder: Path, lake: Lake, spark: "SparkSession", source: str, *, checks: bool) -> dict[str, float]:
    """What both sides took, and in what ratio; the first turn warms up and is not counted.

    Beside the seconds on the clock stand those that the server and this process computed, which a busy machine changes less.
    """
    taken: dict[str, list[Sequence[float]]] = {"lakeline": [], "bare": []}
    materializer = Materializer(lake, Models.from_env(lake), Graph.of(_line(source, checks=checks)))
    for turn in range(TIMES + 1):
        for side in ("lakeline", "bare") if turn % 2 else ("bare", "lakeline"):
            before = time.monotonic(), _computed(lake)
            if side == "lakeline":
                done = materializer.run(force=True)
                assert done.is_ok, [outcome.error for outcome in done.outcomes]
            else:
                _bare(spark, source, folder / "bare", checks=checks)
            if turn:
                taken[side].append((time.monotonic() - before[0], _computed(lake) - before[1]))
    shutil.rmtree(folder / "bare")
    told: dict[str, float] = {}
    for place, kind in enumerate(("", "cpu-")):
        seconds = {side: statistics.median(each[place] for each in turns) for side, turns in taken.items()}
        told[f"{kind}ratio"] = seconds["lakeline"] / seconds["bare"]
        told |= {f"{kind}{side}-seconds": value for side, value in seconds.items()}
    return told


def _computed(lake: Lake) -> float:
    """Seconds that the server and this process have computed so far."""
    port = int(str(lake.settings.spark_remote).rsplit(":", 1)[1].split("/")[0])
    server = next(
        c.pid for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port and c.status == "LISTEN"
    )
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in (server, os.getpid()))


def raw(source: "DataFrame") -> "DataFrame":
    return source.selectExpr("cast(id as bigint) as payment_id", "customer", "cast(amount as double) as amount", "day")


def clean(payments: "DataFrame") -> "DataFrame":
    return payments.selectExpr("payment_id", "lower(trim(customer)) as customer", "amount", "to_date(day) as day")


def daily(payments: "DataFrame") -> "DataFrame":
    return (
        payments.groupBy("day", "customer")
        .agg({"amount": "sum", "payment_id": "count"})
        .selectExpr("day", "customer", "`sum(amount)` as amount", "`count(payment_id)` as payments")
    )


def _line(source: str, *, checks: bool) -> tuple[Asset, ...]:
    options = (
        [],
        [rows(GOOD, otherwise="quarantine"), rows("payment_id is not null")],
        [unique("day", "customer")],
    )

    def table(key: str, of: str, function: object, checked: list[object]) -> TableAsset:
        declare = asset(key, inputs={next(iter(function.__annotations__)): of}, checks=checked if checks else ())  # type: ignore[attr-defined, arg-type]
        return declare(function)  # type: ignore[arg-type]

    return (
        external("outside.payments", table=source),
        table(KEYS[0], "outside.payments", raw, options[0]),
        table(KEYS[1], KEYS[0], clean, options[1]),
        table(KEYS[2], KEYS[1], daily, options[2]),
    )


def _bare(spark: "SparkSession", source: str, folder: Path, *, checks: bool) -> None:
    """As a user would write it: the bad rows are counted, set aside and left out; a wrong table is not written."""
    paths = [str(folder / key) for key in KEYS]
    _write(raw(spark.read.format("delta").load(source)), paths[0])
    frame = clean(spark.read.format("delta").load(paths[0]))
    if checks:
        frame = frame.cache()
        assert not frame.filter("payment_id is null").count()
        bad = frame.filter(f"not coalesce({GOOD}, false)")
        if bad.count():
            _write(bad, str(folder / "bad"))
        _write(frame.filter(GOOD), paths[1])
        frame.unpersist()
    else:
        _write(frame, paths[1])
    frame = daily(spark.read.format("delta").load(paths[1]))
    if checks:
        frame = frame.cache()
        assert not frame.groupBy("day", "customer").count().filter("count > 1").count()
    _write(frame, paths[2])
    frame.unpersist()


def _write(frame: "DataFrame", path: str) -> None:
    frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(path)


def _session(remote: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    return SparkSession.builder.remote(remote).create()


def _land(spark: "SparkSession", path: str) -> None:
    made = spark.range(ROWS).selectExpr(
        "cast(id as string) as id",
        "concat(' Customer ', cast(id % 1000 as string)) as customer",
        "cast((id * 7919) % 100000 / 100.0 as string) as amount",
        "cast(date_add(date'2024-01-01', cast(id % 365 as int)) as string) as day",
    )
    made.write.format("delta").save(path)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        for claim in claims(Path(place), Path(os.environ["LAKELINE_JARS"])):
            print(claim, claim.parts)
