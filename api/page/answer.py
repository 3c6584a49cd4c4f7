"""An answer of the model, as HTML: what it said, how sure it is, and which version said it."""

from collections.abc import Sequence
from html import escape

from api.page.variants import lineage_of
from api.rows import Said
from api.serving import Chosen


def answer_of(chosen: Chosen, said: Said) -> str:
    """The prediction for one row, with the versions that it came from."""
    predictor = chosen.predictor
    card, value = predictor.card, said.predictions[0].item()
    classes = predictor.classes
    name = "" if classes is None else classes[int(value)]
    named = f" <span class='class'>{escape(name)}</span>" if name not in ("", str(value)) else ""
    shown = str(value) if classes is not None else f"{value:.6g}"
    likely = "" if said.probabilities is None else _likely(classes or (), said.probabilities[0].tolist())
    return (
        "<section class='answer' aria-labelledby='answer' role='status'><h2 id='answer'>The answer</h2>"
        f"<p class='prediction'><output>{shown}</output>{named}</p>{likely}"
        f"<dl><dt>Said by</dt><dd>{escape(card.name)} <span class='version'>version {card.version}</span>"
        f", {chosen.variant}</dd>{lineage_of(card)}</dl></section>"
    )


def _likely(classes: Sequence[str], shares: Sequence[float]) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{share:.2%}</td>"
        f"<td><meter max='1' value='{share:.4f}' aria-label='{escape(name)}'></meter></td></tr>"
        for name, share in zip(classes, shares, strict=True)
    )
    return f"<table><caption>How likely each class is</caption><tbody>{rows}</tbody></table>"
