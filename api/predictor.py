"""A loaded model: from the fields of a request to the answer, on one thread."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from api.errors import Fault, InputRefused, ModelBroken
from api.expression import Expression, ExpressionWrong
from api.schemas import LARGEST, RequestSchema
from api.served import ModelCard, read_card

if TYPE_CHECKING:
    import xgboost

Reading = Literal["argmax", "threshold", "margin", "label", "value"]
_READINGS: Mapping[str, Reading] = {
    "multi:softprob": "argmax",
    "multi:softmax": "label",
    "binary:logistic": "threshold",
    "binary:logitraw": "margin",
    "binary:hinge": "label",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A loaded model; a value that never changes, so that one assignment puts it in another's place."""

    card: ModelCard
    schema: RequestSchema
    derived: Mapping[str, Expression]
    booster: "xgboost.Booster"
    trees: tuple[int, int]
    reading: Reading
    headers: Mapping[str, str]
    since: datetime

    def answer(self, body: bytes) -> bytes:
        """The answer to a JSON body, as JSON."""
        value = self.predict(self.schema.read(body))
        return b'{"prediction":%s}' % json.dumps(value).encode()

    def predict(self, values: Mapping[str, float]) -> int | float:
        """The number of the class, or the plain value of a regressor."""
        return self._read(self.outputs(values))

    def outputs(self, values: Mapping[str, float]) -> list[float]:
        """What the model itself says of one row: a probability per class, or one number."""
        import numpy as np

        row = np.array([self._row(values)], dtype=np.float32)
        # The number of features was compared when the model was loaded.
        found = self.booster.inplace_predict(row, iteration_range=self.trees, validate_features=False)
        return [float(value) for value in np.ravel(found)]

    def _row(self, values: Mapping[str, float]) -> list[float]:
        return [
            _computed(name, self.derived[name], values) if name in self.derived else values[name]
            for name in self.card.features
        ]

    def _read(self, found: Sequence[float]) -> int | float:
        if not all(map(math.isfinite, found)):
            raise InputRefused([Fault(kind="no_answer", field=None, reason="the model has no answer for these values")])
        match self.reading:
            case "argmax":
                return max(range(len(found)), key=found.__getitem__)
            case "threshold":
                return int(found[0] > 0.5)
            case "margin":
                return int(found[0] > 0.0)
            case "label":
                return int(found[0])
            case "value":
                return found[0]


def _computed(feature: str, expression: Expression, values: Mapping[str, float]) -> float:
    try:
        value = expression(values)
    except ArithmeticError:
        value = math.nan
    if -LARGEST <= value <= LARGEST:
        return value
    reason = f"{feature} = {expression.text} is not a finite number for these values"
    raise InputRefused([Fault(kind="derived_not_finite", field=name, reason=reason) for name in expression.names])


def load(folder: Path) -> Predictor:
    """The model in a folder, warmed by one prediction; raises `ModelBroken` where it cannot be served."""
    card = read_card(folder)
    if card.flavor != "xgboost":
        raise ModelBroken(f"its flavor is {card.flavor!r}; this server knows 'xgboost'")
    try:
        derived = {name: Expression(text) for name, text in card.derived.items()}
    except ExpressionWrong as error:
        raise ModelBroken(str(error)) from error
    booster = _load_booster(folder / card.model_file, card)
    schema = RequestSchema(_fields(card, derived), _example(card, derived))
    last = booster.attr("best_iteration")
    predictor = Predictor(
        card=card,
        schema=schema,
        derived=derived,
        booster=booster,
        trees=(0, 0) if last is None else (0, int(last) + 1),
        reading=_READINGS.get(card.objective or _objective(booster), "value"),
        headers=_headers(card),
        since=datetime.now(UTC),
    )
    _warm(predictor)
    return predictor


def _headers(card: ModelCard) -> dict[str, str]:
    told = {
        "X-Model-Name": card.name,
        "X-Model-Version": str(card.version),
        "X-Model-Run": card.run_id,
        "X-Model-Inputs": card.read_from,
    }
    for name, value in told.items():
        if not (value.isascii() and value.isprintable()):
            raise ModelBroken(f"{name} would be {value!r}, which no HTTP header can hold")
    return told


def _fields(card: ModelCard, derived: Mapping[str, Expression]) -> tuple[str, ...]:
    """What a request gives: the features that are not derived, then whatever else the derived ones are made of."""
    wanted = [name for name in card.features if name not in derived]
    for feature in (name for name in card.features if name in derived):
        for name in derived[feature].names:
            if name in derived:
                raise ModelBroken(f"{feature} is derived from {name}, which is derived itself")
            wanted.append(name)
    return tuple(dict.fromkeys(wanted))


def _example(card: ModelCard, derived: Mapping[str, Expression]) -> Mapping[str, float] | None:
    fields = _fields(card, derived)
    given = {name: value for name, value in (card.example or {}).items() if isinstance(value, int | float)}
    return {name: float(given[name]) for name in fields} if given.keys() >= set(fields) else None


def _load_booster(file: Path, card: ModelCard) -> "xgboost.Booster":
    import xgboost

    try:
        booster = xgboost.Booster(model_file=str(file))
        booster.set_param({"nthread": 1})
        count, names = booster.num_features(), booster.feature_names
    except (xgboost.core.XGBoostError, OSError, ValueError, TypeError) as error:
        raise ModelBroken(f"{card.model_file!r} cannot be loaded: {_first_line(error)}") from error
    if count != len(card.features):
        raise ModelBroken(f"it was fitted on {count} features, and its card names {len(card.features)}")
    if names is not None and set(names) == set(card.features) and tuple(names) != card.features:
        raise ModelBroken(f"it takes its features as {', '.join(names)}, and its card says {', '.join(card.features)}")
    return booster


def _first_line(error: Exception) -> str:
    # XGBoost's messages go on with the stack of its C++ code.
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _objective(booster: "xgboost.Booster") -> str:
    return str(json.loads(booster.save_config())["learner"]["objective"]["name"])


def _warm(predictor: Predictor) -> None:
    import xgboost

    example = predictor.schema.example
    row = example or dict.fromkeys(predictor.schema.fields, 1.0)
    try:
        predictor.predict(row)
        count = len(predictor.outputs(row))
    except InputRefused as error:
        if example is None:
            return
        raise ModelBroken(f"it refuses its own example: {error}") from error
    except xgboost.core.XGBoostError as error:
        raise ModelBroken(f"it cannot predict its own example: {_first_line(error)}") from error
    if predictor.reading != "argmax" and count != 1:
        raise ModelBroken(f"it answers {count} numbers for a row; wanted one, or the probabilities of 'multi:softprob'")
