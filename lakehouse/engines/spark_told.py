"""Words Spark's errors as ours, without Java's stack."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from lakehouse.errors import ComputeFailed, PlatformError, SparkUnreachable


def _sentence(text: str) -> str:
    """What an error says, with what caused it at last, without Java's stack and the query's plan."""
    said = re.split(r";?\n'|\n*JVM stacktrace|\n*Driver stacktrace|\n\s+at [\w.$]+/?", text)[0].strip()
    causes = re.findall(r"Caused by: [\w.$]+: ([^\n]+)", text)
    return f"{said} ({causes[-1].strip()})" if causes and causes[-1].strip() not in said else said


@contextmanager
def told(what: str, address: str = "the address that answered before") -> Iterator[None]:
    """Words a foreign error as ours, without its Java stack."""
    import grpc
    from pyspark.errors import PySparkException

    try:
        yield
    except PlatformError:
        raise
    except (grpc.RpcError, PySparkException) as error:
        text = _sentence(str(error))
        unanswered = re.search(r'StatusCode\.(?:UNAVAILABLE|UNAUTHENTICATED)\s+details = "(.*)"', text)
        if unanswered or isinstance(error, grpc.RpcError):
            reason = unanswered[1] if unanswered else text.splitlines()[0]
            raise SparkUnreachable(address, reason) from error
        raise ComputeFailed(what, text) from error
