"""What answers, as HTML: each version, since when, and the data that made it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from api.canary import Variant
from api.predictor import Predictor
from api.served import ModelCard
from api.serving import Chosen, Serving


def variants_of(serving: Serving, aliases: Mapping[Variant, str]) -> str:
    """The versions that are loaded, with their lineage; where there is none, why."""
    loaded = serving.answering()
    if not loaded:
        return (
            f"<section><h2>What answers</h2><p class='wrong'>No model is loaded: {escape(serving.reason)}</p></section>"
        )
    cards = "".join(_variant(each, aliases[each.variant]) for each in loaded)
    return f"<section aria-labelledby='served'><h2 id='served'>What answers</h2>{cards}</section>"


def state_of(serving: Serving) -> str:
    """How the server is, in the words of `/readyz`."""
    is_ready, told = serving.readiness()
    canary = told.get("canary")
    found = canary if isinstance(canary, dict) else {}
    trouble = [f"{name}: {told[name]}" for name in ("reason", "alias", "fetch") if name in told]
    trouble += [] if told.get("registry", "answers") == "answers" else [f"the registry {told['registry']}"]
    trouble += [*_refused(told), *_trouble_of_canary(found)]
    shares = [f"the canary answers {found['share']:.0%}"] if found.get("share") or "ended" in found else []
    shares += [f"a shadow is asked {found['shadow']:.0%} in silence"] if "shadow" in found else []
    kind = "wrong" if not is_ready else "note" if trouble else "ready"
    words = ["ready" if is_ready else "not ready", *shares, *trouble]
    return f"<p class='{kind}' role='status'>{escape('; '.join(words))}</p>"


def lineage_of(card: ModelCard) -> str:
    """The run and the tables' versions that made a model, and where more is told."""
    tables = "".join(
        f"<li>{escape(key)} <span class='version'>version {read.version}</span></li>"
        for key, read in sorted(card.inputs.items())
    )
    place = f"lineage/{quote(card.name, safe='')}/{card.version}"
    return (
        f"<dt>MLflow run</dt><dd><code>{escape(card.run_id)}</code></dd>"
        f"<dt>Trained on</dt><dd><ul>{tables or '<li>no table</li>'}</ul></dd>"
        f"<dt>More</dt><dd><a href='{place}'>the lineage of version {card.version}</a></dd>"
    )


def _variant(each: Chosen, alias: str) -> str:
    predictor = each.predictor
    card, note = predictor.card, _note(predictor)
    return (
        f"<article><h3>{escape(card.name)} <span class='version'>version {card.version}</span></h3>"
        f"<dl><dt>Answers as</dt><dd>{each.variant}, by the alias <code>{escape(alias)}</code></dd>"
        f"<dt>Since</dt><dd>{_time(predictor.since)}</dd>{lineage_of(card)}{note}</dl></article>"
    )


def _note(predictor: Predictor) -> str:
    derived = ", ".join(f"{name} = {text}" for name, text in predictor.card.derived.items())
    told = f"<dt>Derived here</dt><dd>{escape(derived)}</dd>" if derived else ""
    return told + (f"<dt>Note</dt><dd>{escape(predictor.note)}</dd>" if predictor.note else "")


def _refused(told: Mapping[str, object]) -> list[str]:
    found = told.get("refused")
    return [f"version {found['version']} was refused: {found['reason']}"] if isinstance(found, dict) else []


def _trouble_of_canary(told: Mapping[str, object]) -> list[str]:
    reason, ended = told.get("reason"), told.get("ended")
    found = [f"the canary: {reason}"] if reason else []
    found += [f"the canary was ended: {ended['why']}"] if isinstance(ended, dict) else []
    return found + _refused(told)


def _time(at: datetime) -> str:
    told = at.astimezone(UTC)
    return f"<time datetime='{told.isoformat(timespec='seconds')}'>{told:%Y-%m-%d %H:%M:%S} UTC</time>"
