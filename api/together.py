"""Predicting together what arrived together: one call of the model for all requests of one turn of the event loop."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from api.errors import InputRefused
from api.predictor import Predictor

if TYPE_CHECKING:
    import numpy as np


class _Waiting(NamedTuple):
    predictor: Predictor
    row: list[float]
    told: "asyncio.Future[Told]"


class Told(NamedTuple):
    """What a model told of one row: its own numbers, and how they are read."""

    outputs: "np.ndarray"
    prediction: int | float


class Together:
    """Rows wait until the event loop has taken up all requests that are there, never for a timer."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def told(self, predictor: Predictor, row: list[float]) -> Told:
        """The answer to a row, from one call for all that wait."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Told] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._drain)
        self._waiting.append(_Waiting(predictor, row, future))
        return await future

    def _drain(self) -> None:
        waiting, self._waiting = self._waiting, []
        # A swap may fall between two requests: each is answered by the model that it was given.
        while waiting:
            predictor = waiting[0].predictor
            same = [one for one in waiting if one.predictor is predictor]
            waiting = [one for one in waiting if one.predictor is not predictor]
            _answer(predictor, same)


def tell(predictor: Predictor, rows: list[list[float]]) -> list[Told]:
    """The answers to rows, from one call."""
    import numpy as np

    outputs = predictor.outputs(np.array(rows, dtype=np.float32))
    return list(map(Told, outputs, predictor.predictions(outputs).tolist()))


def _answer(predictor: Predictor, waiting: list[_Waiting]) -> None:
    try:
        answers = tell(predictor, [one.row for one in waiting])
    except InputRefused as error:
        if len(waiting) > 1:
            # The row that the model has no answer for must not take the others with it.
            for one in waiting:
                _answer(predictor, [one])
            return
        _fail(waiting, error)
    except Exception as error:
        # Whoever waits is told; the requests of another model wait in the same turn, and are still to be answered.
        _fail(waiting, error)
    except BaseException as error:
        _fail(waiting, error)
        raise
    else:
        for one, told in zip(waiting, answers, strict=True):
            if not one.told.done():
                one.told.set_result(told)


def _fail(waiting: list[_Waiting], error: BaseException) -> None:
    for one in waiting:
        if not one.told.done():
            one.told.set_exception(error)
