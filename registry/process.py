"""Who is at work: a mark that tells whether the process that left something half done still lives."""

import os
import socket
from datetime import datetime, timedelta

LONGEST = timedelta(seconds=60)
"""How long a process of another machine may take between two steps before it counts as dead."""


def mark() -> str:
    """This process, for others to look after."""
    import psutil

    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def is_at_work(marked: str, since: datetime, now: datetime) -> bool:
    """Whether another process than this one may still be doing what it marked at `since`."""
    import psutil

    if marked == mark():
        return False
    host, _, rest = marked.partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return abs(now - since) < LONGEST  # a clock may have been set back since
    try:
        process = psutil.Process(int(pid))
        is_same = abs(process.create_time() - float(started)) < 0.1
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)  # which ended, and nobody has asked how
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError):
        return False
