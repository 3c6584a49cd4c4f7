"""`python -m lakehouse.spark_warm` makes the archive of Spark's classes for this Java and these jars, if there is none.

It starts a Spark server once, has it write and merge a few rows, and keeps what Java loaded for that: about 200 MB.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pyarrow as pa

from lakehouse import jars, java, spark_archive, spark_server
from lakehouse.audit import RowRule, UniqueRule
from lakehouse.engine import Publication
from lakehouse.lake import Lake
from lakehouse.merge import Merge
from lakehouse.settings import LakeSettings
from lakehouse.spark_process import process_of

_END_SECONDS = 300.0


def warm(settings: LakeSettings, report: Callable[[str], None]) -> Path:
    """The archive, made where it is missing; older ones are removed."""
    spark_jars = jars.ensure(settings, report)
    archive = spark_archive.place(java.find(), spark_jars)
    if archive.is_file():
        return archive
    report("starting Spark once, to keep what Java loads for it (about 30 s) ...")
    with tempfile.TemporaryDirectory(prefix="lakeline-warm-", dir=archive.parent) as folder:
        aside = settings.model_copy(
            update={"lakeline_home": Path(folder), "lake_root": None, "lakeline_jars": settings.jars}
        )
        fresh = Path(folder) / archive.name
        server = spark_server.start(aside, lambda line: None, java_options=spark_archive.recording(fresh))
        try:
            _work(Lake(aside.model_copy(update={"spark_remote": server.remote})))
            process = process_of(server)
            if process is not None:
                process.terminate()
                process.wait(_END_SECONDS)
        finally:
            spark_server.stop(aside)
        for old in archive.parent.glob("classes-*.jsa"):
            old.unlink(missing_ok=True)
        fresh.replace(archive)
    return archive


def _work(lake: Lake) -> None:
    """What nearly every run asks of Spark: an audit, an append and a merge, and to be read."""
    engine, location = lake.engine("spark"), lake.location("silver.warm")
    rows = pa.table({"id": [1, 2], "name": ["a", None]})
    rules = (
        RowRule(name="named", expression="name IS NOT NULL", otherwise="quarantine"),
        UniqueRule(name="unique", columns=("id",), otherwise="fail"),
    )
    writes: tuple[Literal["append"] | Merge, ...] = ("append", "append", Merge(on=("id",)))
    for sequence, write in enumerate(writes, 1):
        audit = engine.audit(engine.from_arrow(rows), rules)
        publication = Publication(
            location=location, write=write, metadata="", application="silver.warm", sequence=sequence
        )
        engine.publish(audit.passed, publication)
        engine.release()
    engine.arrow(engine.read(location, 1))
    lake.reconnect()


if __name__ == "__main__":
    print(f"Spark's classes are in {warm(LakeSettings.from_env(), print)}")
