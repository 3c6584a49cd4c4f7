"""Every error: drawn in its room's tree, survives a process boundary, is mapped for the terminal and for HTTP."""

import ast
import importlib
import inspect
import pickle
from pathlib import Path

import pytest

from api.cli.main import USAGE, exit_code
from api.errors import Fault
from api.problem import status_of
from assets.errors import Where
from lakehouse.errors import Fatal, PlatformError, Transient

PROJECT = Path(__file__).parents[2]
ROOMS = ("lakehouse", "observability", "registry", "assets", "dags", "api")


def modules() -> list[str]:
    files = sorted(file for room in ROOMS for file in (PROJECT / room).rglob("*.py"))
    return [".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__") for file in files]


def errors() -> list[type[PlatformError]]:
    """Every error class that a module of ours declares."""
    for module in modules():
        importlib.import_module(module)
    found: list[type[PlatformError]] = []
    ahead: list[type[PlatformError]] = [PlatformError]
    while ahead:
        kind = ahead.pop()
        found.append(kind)
        ahead += [sub for sub in kind.__subclasses__() if sub.__module__.split(".")[0] in ROOMS]
    return sorted(set(found), key=lambda kind: kind.__name__)


ERRORS = errors()
RAISED = [kind for kind in ERRORS if not kind.__subclasses__()]


def made(kind: type[PlatformError]) -> PlatformError:
    """One of them, with values of the declared types."""
    values: dict[str, object] = {
        "str": "x",
        "int": 3,
        "str | None": "x",
        "int | None": 3,
        "tuple[str, ...]": ("a", "b"),
        "tuple[int, ...]": (1, 2),
        "Where": Where(file="a.py", line=1),
        "Where | None": Where(file="a.py", line=1),
        "tuple[Where, ...]": (Where(file="a.py", line=1), Where(file="b.py", line=2)),
        "Sequence[Fault]": (Fault(kind="k", field="f", reason="wrong"),),
    }
    names = list(inspect.signature(kind.__init__).parameters.values())[1:]
    wanted = [name for name in names if name.kind is name.POSITIONAL_OR_KEYWORD]
    return kind(*(values[spelled(name.annotation)] for name in wanted))


def spelled(annotation: object) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and "[" not in str(annotation) else str(annotation)
    for prefix in ("assets.errors.", "api.errors.", "collections.abc."):
        text = text.replace(prefix, "")
    return text


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_stands_in_the_tree_of_its_module(kind: type[PlatformError]) -> None:
    assert kind.__module__.endswith(".errors")
    tree = ast.get_docstring(ast.parse(inspect.getsource(importlib.import_module(kind.__module__)))) or ""
    assert kind.__name__ in tree.replace("─", " ").split()


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_an_error_says_something_and_survives_pickling(kind: type[PlatformError]) -> None:
    error = made(kind)
    assert isinstance(error, Fatal | Transient)
    assert str(error)
    assert not str(error).endswith(".")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_an_error_has_an_exit_code_and_a_status(kind: type[PlatformError]) -> None:
    error = made(kind)
    assert exit_code(error) in {1, 2}
    assert status_of(error) in {400, 401, 403, 404, 413, 415, 422, 429, 500, 503}


def test_the_errors_that_mean_wrong_usage_exist() -> None:
    assert {kind.__name__ for kind in ERRORS} >= USAGE
