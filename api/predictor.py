"""A loaded model: from the fields of a request to the answer, on one thread."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from api.encoding import Encoding, encoding_of
from api.errors import InputRefused, ModelBroken
from api.expression import Expression, ExpressionWrong
from api.golden import check_golden
from api.reading import READINGS, Reading, read_predictions, read_probabilities
from api.schemas import RequestSchema, Value
from api.served import Column, ModelCard, read_card

if TYPE_CHECKING:
    import numpy as np
    import xgboost


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A loaded model; a value that never changes, so that one assignment puts it in another's place.

    `schema` is what a request of ours holds, `signature` what a client of MLflow's sends.
    """

    card: ModelCard
    schema: RequestSchema
    signature: RequestSchema
    encoding: Encoding
    booster: "xgboost.Booster"
    trees: tuple[int, int]
    reading: Reading
    headers: Mapping[str, str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    since: datetime
    width: int = 1
    note: str | None = None

    def answer(self, body: bytes) -> bytes:
        """The answer to a JSON body, as JSON."""
        return b'{"prediction":%s}' % json.dumps(self.predict(self.schema.read(body))).encode()

    def predict(self, values: Mapping[str, Value]) -> int | float:
        """The number of the class, or the plain value of a regressor."""
        found = self.outputs(self.encoding.one(values))
        return cast("int | float", self.predictions(found)[0].item())

    def outputs(self, matrix: "np.ndarray") -> "np.ndarray":
        """What the model itself says of rows of features: of shape (rows, classes), or (rows, 1)."""
        # The number of features was compared when the model was loaded.
        found = self.booster.inplace_predict(matrix, iteration_range=self.trees, validate_features=False)
        return cast("np.ndarray", found.reshape(len(matrix), -1))

    def predictions(self, outputs: "np.ndarray") -> "np.ndarray":
        """One class number or value for each row of the model's outputs."""
        return read_predictions(self.reading, outputs)

    def probabilities(self, outputs: "np.ndarray") -> "np.ndarray | None":
        """Of shape (rows, classes); None where the model tells none."""
        return read_probabilities(self.reading, outputs)

    def contributions(self, matrix: "np.ndarray") -> "np.ndarray":
        """What each feature adds to the model's margin: of shape (rows, outputs, features + 1), the bias last."""
        import xgboost

        booster = self.booster
        data = xgboost.DMatrix(
            matrix,
            feature_names=booster.feature_names,
            feature_types=booster.feature_types,
            enable_categorical=True,
            nthread=1,
        )
        found = booster.predict(data, pred_contribs=True, iteration_range=self.trees, validate_features=False)
        return cast("np.ndarray", found.reshape(len(matrix), -1, matrix.shape[1] + 1))

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes, by number where training named none; None where there are no probabilities."""
        if self.reading not in ("argmax", "threshold", "margin"):
            return None
        count = self.width if self.reading == "argmax" else 2
        named = self.card.classes
        return named if len(named) == count else tuple(map(str, range(count)))


def load(folder: Path) -> Predictor:
    """The model in a folder, warmed and asked its golden rows; raises `ModelBroken` where it cannot be served."""
    card = read_card(folder)
    if card.flavor != "xgboost":
        raise ModelBroken(f"its flavor is {card.flavor!r}; this server knows 'xgboost'")
    try:
        derived = {name: Expression(text) for name, text in card.derived.items() if name in card.features}
    except ExpressionWrong as error:
        raise ModelBroken(str(error)) from error
    booster = _load_booster(folder / card.model_file, card)
    columns = _request(card, derived)
    headers = _headers(card)
    last = booster.attr("best_iteration")
    predictor = Predictor(
        card=card,
        schema=RequestSchema(columns, _example(card, columns)),
        signature=_signature(card, columns),
        encoding=encoding_of(_features(card), derived),
        booster=booster,
        trees=(0, 0) if last is None else (0, int(last) + 1),
        reading=READINGS.get(card.objective or _objective(booster), "value"),
        headers=headers,
        raw_headers=_raw(headers),
        since=datetime.now(UTC),
    )
    width = _warm(predictor)
    if card.golden is None:
        return replace(predictor, width=width, note="it came without golden rows, so its answers were not compared")
    check_golden(card.golden, predictor.encoding, predictor.outputs)
    return replace(predictor, width=width)


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


def _raw(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of an answer in JSON, as a server writes them."""
    told = {**headers, "content-type": "application/json"}
    return tuple((name.lower().encode(), value.encode()) for name, value in told.items())


def _features(card: ModelCard) -> tuple[Column, ...]:
    told = {column.name: column for column in card.fields}
    features = tuple(told.get(name, Column(name=name)) for name in card.features)
    for column in features:
        if column.type == "string" and not column.categories:
            raise ModelBroken(f"its feature {column.name!r} is a text, and the model knows no categories of it")
    return features


def _request(card: ModelCard, derived: Mapping[str, Expression]) -> tuple[Column, ...]:
    """What a request gives: the features that are not derived, then whatever else the derived ones are made of."""
    columns = {column.name: column for column in _features(card) if column.name not in derived}
    for feature in (name for name in card.features if name in derived):
        for name in derived[feature].names:
            if name in derived:
                raise ModelBroken(f"{feature} is derived from {name}, which is derived itself")
            if columns.setdefault(name, Column(name=name)).type == "string":
                raise ModelBroken(f"{feature} is derived from {name}, which is a text")
    return tuple(columns.values())


def _signature(card: ModelCard, columns: tuple[Column, ...]) -> RequestSchema:
    """The features as MLflow knows them, where a client may send what is derived here, or leave it out."""
    features = _features(card)
    named = {column.name: column for column in (*features, *columns)}
    asked_for_all = {column.name for column in features} & {column.name for column in columns}
    return RequestSchema(tuple(named.values()), may_lack=named.keys() - asked_for_all)


def _example(card: ModelCard, columns: tuple[Column, ...]) -> Mapping[str, Value] | None:
    given = card.example or {}
    if not all(column.name in given for column in columns):
        return None
    return {column.name: _example_value(given[column.name]) for column in columns}


def _example_value(value: object) -> Value:
    is_nothing = isinstance(value, float) and math.isnan(value)  # in the words of pandas
    return value if isinstance(value, bool | int | float | str) and not is_nothing else None


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


def _warm(predictor: Predictor) -> int:
    """Predicts one row, as a request would; how many numbers the model tells of a row."""
    import numpy as np
    import xgboost

    example = predictor.schema.example
    matrix = np.ones((1, len(predictor.card.features)), dtype=np.float32)
    try:
        if example is not None:
            matrix = predictor.encoding.rows(predictor.schema.check_rows([example]))
        found = predictor.outputs(matrix)
        if predictor.reading != "argmax" and found.shape[1] != 1:
            told = f"it answers {found.shape[1]} numbers for a row"
            raise ModelBroken(f"{told}; wanted one, or the probabilities of 'multi:softprob'")
        if example is not None:
            predictor.predictions(found)
    except InputRefused as error:
        raise ModelBroken(f"it refuses its own example: {error}") from error
    except xgboost.core.XGBoostError as error:
        raise ModelBroken(f"it cannot predict its own example: {_first_line(error)}") from error
    return int(found.shape[1])
