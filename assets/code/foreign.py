"""What a name leads to inside Python and packages of others: code by a text, and what the project put there itself."""

import inspect
import sys
from functools import partial
from types import FunctionType, MethodType, ModuleType

from assets.code.names import Chain
from assets.code.owned import Project
from assets.code.telling import dotted
from assets.code.untold import Untold

# What reaches code by a text that is put together when it runs.
_BY_TEXT = frozenset(
    {
        *("builtins.eval", "builtins.exec", "builtins.compile", "builtins.globals", "builtins.__import__"),
        *("importlib.import_module", "importlib.reload", "importlib.__import__", "importlib.util.module_from_spec"),
        *("sys.modules", "pydoc.locate", "pkgutil.resolve_name", "runpy.run_path", "runpy.run_module"),
    }
)
# What reads docstrings or comments, which count for nobody else.
_READS_DOCS = frozenset(
    {
        *("inspect.getdoc", "inspect.getcomments", "inspect.getsource", "inspect.getsourcelines"),
        *("pydoc.getdoc", "pydoc.render_doc", "pydoc.plain", "ast.get_docstring"),
    }
)


def refuse_by_text(value: object) -> None:
    """Raises Untold for what would run code, or read words of it, that cannot be seen beforehand."""
    if value is sys.modules:
        refuse_name("sys.modules")
    elif callable(value):
        refuse_name(dotted(value))


def refuse_name(name: str) -> None:
    """Raises Untold where a name of Python's stands for such code."""
    if name in _BY_TEXT:
        raise Untold("it reaches code by a text")
    if name in _READS_DOCS:
        raise Untold("it reads docstrings or comments, which do not count (a docstring that is read as f.__doc__ does)")


def put_there(value: object, names: Chain, project: Project) -> object | None:
    """Follows names into a package of others, to what the project put there, if it did; raises Untold for code by a text."""
    found = value
    for name in names:
        if isinstance(found, ModuleType):
            refuse_name(f"{found.__name__}.{name}")
            found = vars(found).get(name)
        elif isinstance(found, type):
            found = inspect.getattr_static(found, name, None)
        else:
            return None
        if _is_of(project, found):
            return found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
    refuse_by_text(found)
    return None


def _is_of(project: Project, value: object) -> bool:
    if isinstance(value, (staticmethod, classmethod, MethodType)):
        return _is_of(project, value.__func__)
    if isinstance(value, partial):
        return _is_of(project, value.func)
    if isinstance(value, property):
        return any(_is_of(project, part) for part in (value.fget, value.fset, value.fdel))
    if isinstance(value, FunctionType):
        return project.owns_function(value)
    kind = value if isinstance(value, type) else type(value)
    return project.owns_class(kind) and _is_written(kind.__module__)


def _is_written(module: str) -> bool:
    """Whether a module has a text; the kinds of functions that compilers make stand in one that has none."""
    return module == "__main__" or isinstance(vars(sys.modules[module]).get("__file__"), str)
