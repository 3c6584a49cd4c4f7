"""What an author gives as an option, looked at where it is declared: of which sort it is, and where that stands."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from assets.errors import BadOption, Where
from assets.key import Reference

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,250}")
_LONGEST_SHOWN = 80


def check_key(word: str, key: object, where: Where) -> None:
    """Refuses what cannot be the first words of a declaration: no text, or the function itself."""
    if isinstance(key, str):
        return
    example = f"the key in parentheses: @{word}('layer.name')"
    if inspect.isroutine(key):
        raise BadOption(where_of(word, key, where), f"@{word}", "without a key", example)
    raise BadOption(where, f"the key of @{word}", repr(key), example)


def where_of(word: str, function: object, where: Where) -> Where:
    """Where a function stands; refuses what is none, with the place where it is given."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    if code is None:
        raise BadOption(where, f"what @{word} stands over", repr(function), "a function that is written with def")
    if inspect.iscoroutinefunction(function):
        raise BadOption(where, f"what @{word} stands over", f"async def {code.co_name}", "a function without async")
    return Where(file=short(code.co_filename), line=code.co_firstlineno)


def short(file: str) -> str:
    """A file as a person finds it: from the working folder, where it is below that."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def check_texts(where: Where, **options: object) -> None:
    """Refuses an option that is there and no text."""
    for option, found in options.items():
        if found is not None and not isinstance(found, str):
            raise BadOption(where, option, repr(found), f"a text: {option}='...'")


def is_pattern(files: str) -> bool:
    """Whether a text can be a pattern of files below a folder: with a name, and `**` only where it stands for folders."""
    path = Path(files)
    inside = not path.is_absolute() and ".." not in path.parts
    return bool(path.name) and inside and all("**" not in part or part == "**" for part in path.parts)


def mapping(where: Where, option: str, found: object, example: str) -> dict[str, str]:
    """An option that gives texts by name; none where it is left out."""
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(isinstance(word, str) for pair in found.items() for word in pair):
        raise BadOption(where, option, repr(found), f"texts by name: {option}={example}")
    return dict(found)


def tags(where: Where, found: object) -> dict[str, str]:
    """The tags of an asset."""
    return mapping(where, "tags", found, "{'line': 'orders'}")


def names(where: Where, option: str, found: object) -> tuple[str, ...]:
    """An option that lists texts."""
    each = tuple(found) if isinstance(found, Iterable) and not isinstance(found, (str, Mapping)) else (None,)
    if not all(isinstance(name, str) for name in each):
        raise BadOption(where, option, repr(found), "a list of texts: ['id', 'amount']")
    return tuple(str(name) for name in each)


def inputs(function: Callable[..., object], where: Where, found: object) -> Mapping[str, Reference]:
    """What each parameter of a function reads: what is given for it, or the asset of its own name."""
    given = mapping(where, "inputs", found, "{'orders': 'silver.orders'}")
    parameters = inspect.signature(function).parameters
    for parameter in parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            wanted = "a parameter that is given by its name, for each stands for one input"
            raise BadOption(where, "a parameter", repr(str(parameter)), wanted)
    if strangers := [name for name in given if name not in parameters]:
        wanted = f"names among the function's parameters ({', '.join(parameters) or 'none'})"
        raise BadOption(where, "inputs", ", ".join(map(repr, strangers)), wanted)
    return {name: Reference.parse(given.get(name, name)) for name in parameters}


def not_negative(where: Where, retries: object) -> int:
    """How often something is tried again."""
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise BadOption(where, "retries", repr(retries), "a whole number from 0")
    return retries


def duration(where: Where, option: str, found: object) -> timedelta | None:
    """How long something may take; None where nobody says so."""
    return None if found is None else check_duration(where, option, found)


def check_duration(where: Where, option: str, found: object, of: str = "") -> timedelta:
    """A time that can pass; `of` says whose option it is."""
    if not isinstance(found, timedelta) or found <= timedelta():
        wanted = f"a time, and a longer one than none: {option}=timedelta(minutes=30)"
        raise BadOption(where, f"{option}{of}", shown(found), wanted)
    return found


def check_name(where: Where, option: str, found: object) -> None:
    """Refuses what Airflow takes for the name of no DAG and of no task."""
    if not isinstance(found, str) or not _NAME.fullmatch(found):
        raise BadOption(where, option, shown(found), "letters, digits, '_', '-' and '.', at most 250 of them")


def check_text(where: Where, option: str, found: object, example: str) -> None:
    """Refuses what is no text, or one without a word."""
    if not isinstance(found, str) or not found.strip():
        raise BadOption(where, option, shown(found), f"a text: {example}")


def shown(found: object) -> str:
    """What was found as a person may read it in one line."""
    text = repr(found)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}... ({len(text)} characters)"


def check_one_of(where: Where, option: str, found: object, possible: tuple[object, ...]) -> None:
    """Refuses an option that is none of those that there are."""
    if not any(type(found) is type(one) and found == one for one in possible):
        raise BadOption(where, option, repr(found), f"one of {', '.join(map(repr, possible))}")
