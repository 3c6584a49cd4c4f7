"""The connection to one Spark Connect server, shared by all that compute on it."""

import atexit
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.engines.spark_told import told

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_UNPROXIED = "no_grpc_proxy"  # the hosts that gRPC asks directly
_RETRIES = 5  # with growing pauses, for about 17 s; pyspark's own 15 keep silent for 10 minutes


class SparkConnection:
    """One session on the server at an address that is asked for on first use; threads may share it."""

    def __init__(self, remote: Callable[[], str]) -> None:
        self._remote = remote
        self._connected: SparkSession | None = None
        self._taken: list[SparkSession] = []
        self._connecting = threading.Lock()
        self._committing = threading.Lock()

    def take(self) -> "SparkSession":
        """The session, connected where it was not; whoever takes it gives it back."""
        with self._connecting:
            if self._connected is None:
                self._connected = _connected(self._remote())
            self._taken.append(self._connected)
            return self._connected

    def give_back(self, session: "SparkSession") -> None:
        """Tells that a user is done; the last one of a session that was forgotten closes it."""
        with self._connecting:
            self._taken.remove(session)
            if session is not self._connected:
                self._close_unused(session)

    @contextmanager
    def using(self) -> Iterator["SparkSession"]:
        """The session, for as long as a piece of work takes."""
        session = self.take()
        try:
            yield session
        finally:
            self.give_back(session)

    def interrupt(self, tag: str) -> None:
        """Ends what was begun under a tag, where there is a session."""
        session = self._connected
        if session is not None:
            with told("an interruption"):
                session.interruptTag(tag)

    @contextmanager
    def committing(self, session: "SparkSession", confs: Mapping[str, str]) -> Iterator[None]:
        """Settings of the session for one statement, which takes them from there alone; another one waits its turn."""
        with self._committing:
            conf = session.conf
            try:
                for name, value in confs.items():
                    conf.set(name, value)
                yield
            finally:
                for name in confs:
                    conf.unset(name)

    def forget(self) -> None:
        """Looks for the server anew when it is needed next; who still works on the old session keeps it."""
        with self._connecting:
            session, self._connected = self._connected, None
            if session is not None:
                self._close_unused(session)

    def _close_unused(self, session: "SparkSession") -> None:
        if session not in self._taken:
            _close(session)


def _connected(address: str) -> "SparkSession":
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client.retries import DefaultPolicy

    _prepare(address)
    with told("a connection", address.split(";", maxsplit=1)[0]):
        session = SparkSession.builder.remote(address).create()
        session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
        # Or else pyspark has one more question for the server at exit, which may have ended before.
        atexit.register(session.client.close)
        try:
            session.conf.set("spark.sql.session.timeZone", "UTC")
            # The default, INT96, has no statistics, and others read it in nanoseconds, which do not reach over all years.
            session.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        except BaseException:
            _close(session)
            raise
        return session


def _close(session: "SparkSession") -> None:
    """Ends a session without a word to its server, which may be gone; pyspark then no longer takes it for the active one."""
    atexit.unregister(session.client.close)
    session.client.close()
    session.stop()


def _prepare(address: str) -> None:
    """Keeps pyspark's own log off the terminal, where the error is told in words, and a local server off the proxy."""
    logging.getLogger("SQLQueryContextLogger").disabled = True
    warnings.filterwarnings("ignore", module=r"pyspark\.sql\.connect\.client\.retries")
    if address.startswith("sc://localhost:"):
        known = os.environ.get(_UNPROXIED) or os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        os.environ[_UNPROXIED] = ",".join(filter(None, (known, "localhost,127.0.0.1")))
