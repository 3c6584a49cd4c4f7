"""Asking an application within this process."""

import asyncio
from pathlib import Path

import httpx
import xgboost
from fastapi import FastAPI

from api.app import create_app
from api.log.record import Answered, Recorder
from api.predictor import load
from api.serving import Serving
from api.settings import ApiSettings
from tests.api import served_models as models

JSON = {"content-type": "application/json"}


def ask(app: FastAPI, method: str, path: str, **more: object) -> httpx.Response:
    """One request, and its answer."""
    return asyncio.run(ask_all(app, (method, path, more)))[0]


async def ask_all(app: FastAPI, *requests: tuple[str, str, dict[str, object]]) -> list[httpx.Response]:
    """Requests that are sent at once, and their answers."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        sent = (client.request(method, path, **more) for method, path, more in requests)  # type: ignore[arg-type]
        return list(await asyncio.gather(*sent))


def serving(folder: Path) -> Serving:
    """What serves the model of a folder."""
    found = Serving()
    found.predictor = load(folder)
    return found


def iris_app(folder: Path, booster: xgboost.Booster, recorder: Recorder | None = None, **changes: object) -> FastAPI:
    """An application that serves iris."""
    place = models.place(folder, booster, models.card() | changes)
    return create_app(ApiSettings(home=folder), serving(place), recorder=recorder)


class Kept:
    """Keeps in memory what is recorded."""

    def __init__(self) -> None:
        self.answers: list[Answered] = []

    def record(self, answered: Answered) -> None:
        self.answers.append(answered)
