"""Golden rows: what the model said of a few rows where it was trained, asked again where it is served."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from api.encoding import Encoding, codes_of
from api.errors import InputRefused, ModelBroken
from api.schemas import Value
from api.served import Golden

if TYPE_CHECKING:
    import numpy as np

_NEAR = 1e-4
"""How far an answer may be off, absolutely or of itself: 32-bit floats added up in another order are not further."""


def check_golden(golden: Golden, encoding: Encoding, outputs: "Callable[[np.ndarray], np.ndarray]") -> None:
    """Raises `ModelBroken` with the first row that does not come out, and by how much."""
    import numpy as np

    if not golden.rows or len(golden.rows) != len(golden.outputs):
        told = f"{len(golden.rows)} golden rows have {len(golden.outputs)} outputs"
        raise ModelBroken(f"{told}; wanted as many of each, and at least one")
    matrix = np.array([_features(number, row, encoding) for number, row in enumerate(golden.rows)], dtype=np.float32)
    found = outputs(matrix)
    for number, wanted in enumerate(golden.outputs):
        if len(wanted) != found.shape[1]:
            raise ModelBroken(
                f"golden row {number} had {len(wanted)} outputs at training, and has {found.shape[1]} here"
            )
        off = max(abs(float(here) - there) for here, there in zip(found[number], wanted, strict=True))
        if not off <= _NEAR * max(1.0, *map(abs, wanted)):
            here = ", ".join(f"{float(value):g}" for value in found[number])
            there = ", ".join(f"{value:g}" for value in wanted)
            raise ModelBroken(f"golden row {number} gives {here}, and gave {there} at training: off by {off:g}")


def _features(number: int, row: Mapping[str, Value], encoding: Encoding) -> list[float]:
    """The features as training told them; a derived one has to come out here as it did there."""
    found = []
    for feature, part in zip(encoding.features, encoding.parts, strict=True):
        if feature.name not in row:
            raise ModelBroken(f"golden row {number} has no {feature.name!r}")
        told = _number(row[feature.name], codes_of(feature), f"golden row {number}, {feature.name!r}")
        expression = encoding.derived.get(feature.name)
        if expression is not None and all(name in row for name in expression.names):
            _check_derived(number, feature.name, told, part, {name: row[name] for name in expression.names})
        found.append(told)
    return found


def _check_derived(
    number: int, feature: str, told: float, part: Callable[[Mapping[str, Value]], float], row: Mapping[str, Value]
) -> None:
    try:
        here = part(row)
    except InputRefused as error:
        raise ModelBroken(f"golden row {number} is refused: {error}") from error
    if not (math.isnan(here) and math.isnan(told)) and not math.isclose(here, told, rel_tol=_NEAR, abs_tol=_NEAR):
        raise ModelBroken(f"golden row {number} has {feature} = {here:g} here, and had {told:g} at training")


def _number(value: Value, codes: Mapping[str, float], place: str) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, str):
        return float(value)
    if value not in codes:
        raise ModelBroken(f"{place} is {value!r}, which is no category of the model")
    return codes[value]
