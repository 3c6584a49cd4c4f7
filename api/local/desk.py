"""Airflow's REST API as the platform itself asks it, entered as the first user."""

from collections.abc import Mapping
from datetime import datetime

from api.local.asking import ask
from api.local.credentials import USER


class Desk:
    """Answers what waits and what runs, and wakes a DAG. Whatever does not answer is asked again the next time."""

    def __init__(self, address: str, password: str) -> None:
        self._address, self._password, self._token = address, password, ""

    def wake(self, dag: str) -> bool:
        """Starts a run of a DAG; false where Airflow does not know it, or not yet."""
        if self._ask(f"dags/{dag}") is None:
            return False
        return self._ask(f"dags/{dag}/dagRuns", {"logical_date": None}) is not None

    def told(self) -> str:
        """How many runs are under way and how many approvals are waited for, in words; nothing where neither."""
        running = self._count("dags/~/dagRuns?state=running&limit=1")
        waiting = self._count(
            "dags/~/dagRuns/~/hitlDetails?response_received=false&state=deferred&state=awaiting_input&limit=1"
        )
        return ", ".join(_counted(count, word) for count, word in ((running, "run"), (waiting, "approval")) if count)

    def unread(self, since: datetime) -> Mapping[str, str]:
        """The DAG files that Airflow could not read when it last tried, since then, and the last line of what it says of each."""
        found = (self._ask("importErrors?limit=100") or {}).get("import_errors")
        errors = [error for error in found if isinstance(error, Mapping)] if isinstance(found, list) else []
        return {
            str(error["filename"]): (str(error["stack_trace"]).strip().splitlines() or [""])[-1]
            for error in errors
            if datetime.fromisoformat(str(error["timestamp"])) >= since
        }

    def _count(self, path: str) -> int:
        found = (self._ask(path) or {}).get("total_entries", 0)
        return found if isinstance(found, int) else 0

    def _ask(self, path: str, body: object = None) -> Mapping[str, object] | None:
        if not self._token:
            entered = ask(f"{self._address}/auth/token", {"username": USER, "password": self._password}) or {}
            self._token = str(entered.get("access_token", ""))
        answer = ask(f"{self._address}/api/v2/{path}", body, token=self._token) if self._token else None
        if answer is None:
            self._token = ""  # it may have run out
        return answer


def _counted(count: int, word: str) -> str:
    what = f"{count} {word}{'' if count == 1 else 's'}"
    return f"{what} under way" if word == "run" else f"{what} waiting for a person"
