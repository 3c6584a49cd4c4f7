"""How the numbers that a model gives for a row are read: as a class, as probabilities, or as they are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from api.errors import Fault, InputRefused

if TYPE_CHECKING:
    import numpy as np

Reading = Literal["argmax", "threshold", "margin", "label", "value"]
READINGS: Mapping[str, Reading] = {
    "multi:softprob": "argmax",
    "multi:softmax": "label",
    "binary:logistic": "threshold",
    "binary:logitraw": "margin",
    "binary:hinge": "label",
}


def read_predictions(reading: Reading, outputs: "np.ndarray") -> "np.ndarray":
    """One class number or one value for each row of outputs; raises `InputRefused` where the model has no answer."""
    import numpy as np

    is_told = np.isfinite(outputs).all(axis=1)
    if not is_told.all():
        row = int(is_told.argmin()) if len(outputs) > 1 else None
        raise InputRefused(
            [Fault(kind="no_answer", field=None, reason="the model has no answer for these values", row=row)]
        )
    match reading:
        case "argmax":
            return np.asarray(outputs.argmax(axis=1))
        case "threshold":
            return (outputs[:, 0] > 0.5).astype(np.int64)
        case "margin":
            return (outputs[:, 0] > 0.0).astype(np.int64)
        case "label":
            return outputs[:, 0].astype(np.int64)
        case "value":
            return outputs[:, 0].astype(np.float64)


def read_probabilities(reading: Reading, outputs: "np.ndarray") -> "np.ndarray | None":
    """Of shape (rows, classes); None where the model tells none."""
    import numpy as np

    if reading == "argmax":
        return outputs
    if reading not in ("threshold", "margin"):
        return None
    second = outputs[:, 0] if reading == "threshold" else 1 / (1 + np.exp(-outputs[:, 0]))
    return np.column_stack([1 - second, second])
