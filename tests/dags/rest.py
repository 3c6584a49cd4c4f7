"""Airflow's REST API for the tests: asks, and waits by polling."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import httpx

T = TypeVar("T")
Json = dict[str, object]

_POLL_SECONDS = 0.2
ENDED = frozenset({"success", "failed"})


def until(look: Callable[[], T | None], what: str, seconds: float = 90.0) -> T:
    """What a look finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(_POLL_SECONDS)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Rest:
    """The API of one Airflow, entered as its first user."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._credentials = {"username": user, "password": password}
        self._address = address
        self._client = httpx.Client(timeout=30, trust_env=False)
        self._enter()

    def ask(self, method: str, path: str, body: object = None, **query: object) -> httpx.Response:
        """An answer, whatever it is; SQLite in a burst answers 500 now and then, and is asked again where that is safe."""
        for _ in range(5):
            answer = self._client.request(method, f"{self._address}/api/v2/{path}", json=body, params=query)
            if answer.status_code == 401:
                self._enter()
            elif answer.status_code < 500 or method != "GET":
                break
            time.sleep(_POLL_SECONDS)
        return answer

    def get(self, path: str, **query: object) -> Json:
        """A good answer."""
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> Json:
        """What came of something that was asked for."""
        answer = self.ask("POST", path, body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def patch(self, path: str, body: object) -> Json:
        """What came of a change."""
        answer = self.ask("PATCH", path, body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def import_errors(self) -> list[Json]:
        """The files that could not be parsed, and why."""
        return rows(self.get("importErrors")["import_errors"])

    def dags(self) -> list[str]:
        """The DAGs that are known."""
        return [str(each["dag_id"]) for each in rows(self.get("dags", limit=100)["dags"])]

    def wait_for_dag(self, dag: str, seconds: float = 90.0) -> None:
        """Returns once a DAG is known; an import error ends the wait."""

        def known() -> bool | None:
            errors = self.import_errors()
            assert not errors, errors
            return dag in self.dags() or None

        until(known, f"the DAG {dag!r}", seconds)

    def pause(self, dag: str, is_paused: bool = True) -> None:
        """Pauses a DAG, or lets it go on."""
        self.patch(f"dags/{dag}", {"is_paused": is_paused})

    def trigger(self, dag: str, conf: Mapping[str, object] | None = None, run: str | None = None) -> str:
        """Starts a run, and says what it is called."""
        named = {"dag_run_id": run} if run else {}
        told = self.post(f"dags/{dag}/dagRuns", {"logical_date": None, "conf": dict(conf or {}), **named})
        return str(told["dag_run_id"])

    def runs(self, dag: str) -> list[Json]:
        """The runs of a DAG, oldest first."""
        return rows(self.get(f"dags/{dag}/dagRuns", limit=100, order_by="run_after")["dag_runs"])

    def wait_for_run(self, dag: str, run: str, states: frozenset[str] = ENDED, seconds: float = 180.0) -> str:
        """The state of a run once it is one of these."""

        def state() -> str | None:
            found = str(self.get(f"dags/{dag}/dagRuns/{run}")["state"])
            return found if found in states else None

        return until(state, f"{dag}/{run} in {sorted(states)}", seconds)

    def wait_for_runs(self, dag: str, count: int = 1, seconds: float = 180.0) -> list[Json]:
        """The runs of a DAG once so many have ended."""

        def ended() -> list[Json] | None:
            found = [each for each in self.runs(dag) if each["state"] in ENDED]
            return found if len(found) >= count else None

        return until(ended, f"{count} runs of {dag}", seconds)

    def tasks(self, dag: str, run: str) -> dict[str, str]:
        """The state of each task of a run."""
        found = rows(self.get(f"dags/{dag}/dagRuns/{run}/taskInstances", limit=100)["task_instances"])
        return {str(each["task_id"]): str(each["state"]) for each in found}

    def log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """What a task has told."""
        told = self.get(f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}", full_content="true")
        content = told["content"]
        lines = content if isinstance(content, list) else [content]
        return "\n".join(str(each.get("event", each)) if isinstance(each, dict) else str(each) for each in lines)

    def asset(self, name: str) -> Json | None:
        """An asset by its whole name; None where none of that name is known."""
        found = rows(self.get("assets", name_pattern=name, limit=100)["assets"])
        return next((each for each in found if each["name"] == name), None)

    def events(self, name: str) -> list[Json]:
        """The events of an asset, oldest first."""
        asset = self.asset(name)
        if asset is None:
            return []
        return rows(self.get("assets/events", asset_id=asset["id"], limit=100, order_by="timestamp")["asset_events"])

    def send_event(self, name: str, extra: Mapping[str, object]) -> Json:
        """An event that nobody's task has sent."""
        asset = self.asset(name)
        assert asset is not None, name
        return self.post("assets/events", {"asset_id": asset["id"], "extra": dict(extra)})

    def pending(self, dag: str = "~") -> list[Json]:
        """The questions that wait for a person."""
        asked = {"response_received": "false", "limit": 100}
        found = rows(self.get(f"dags/{dag}/dagRuns/~/hitlDetails", **asked)["hitl_details"])
        return [each for each in found if _state(each) in {"running", "deferred", "awaiting_input"}]

    def answer(
        self, dag: str, run: str, task: str, options: Sequence[str], params: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """Answers a question, as a person does in the browser."""
        path = f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
        return self.ask("PATCH", path, {"chosen_options": list(options), "params_input": dict(params or {})})

    def close(self) -> None:
        """Lets go of the connections."""
        self._client.close()

    def _enter(self) -> None:
        answer = self._client.post(f"{self._address}/auth/token", json=self._credentials)
        assert answer.status_code == 201, answer.text
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _state(asked: Json) -> object:
    task = asked["task_instance"]
    assert isinstance(task, dict)
    return task["state"]


def rows(value: object) -> list[Json]:
    """A list of objects, as JSON has them."""
    assert isinstance(value, list)
    return value
