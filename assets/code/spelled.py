"""A syntax tree as text: the same exactly while the code says the same, in whatever folder, layout and version of Python."""

import ast
from collections.abc import Iterable, Iterator

_UNSAID = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_fields: dict[type[ast.AST], tuple[str, ...]] = {}


def spelled(nodes: Iterable[ast.AST]) -> str:
    """Trees as text, without docstrings and without empty fields.

    Fields that one version of Python has and another has not are empty where both can read the source.
    """
    words: list[str] = []
    _spell_all(nodes, words)
    return "".join(words)


def _spell(node: ast.AST, words: list[str]) -> None:
    kind = type(node)
    if isinstance(node, ast.Constant):
        words.append(f"Constant({_constant(node.value)})")
        return
    if isinstance(node, ast.Name):
        words.append(f"Name({node.id!a})")
        return
    words.append(f"{kind.__name__}(")
    if isinstance(node, ast.JoinedStr):
        _spell_all(_pieces_together(node), words)
    for name in _fields.get(kind) or _fields_of(kind):
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            words.append(f"{name}=")
            _spell(value, words)
        elif isinstance(value, list):
            if value:
                words.append(f"{name}=")
                _spell_all(value, words)
        elif value is not None and value != "":
            words.append(f"{name}={_constant(value)},")
    words.append(")")


def _spell_all(nodes: Iterable[object], words: list[str]) -> None:
    words.append("[")
    for node in nodes:
        if not isinstance(node, ast.AST):
            words.append(f"{_constant(node)},")
        elif not _says_nothing(node):
            _spell(node, words)
    words.append("]")


def _fields_of(kind: type[ast.AST]) -> tuple[str, ...]:
    unsaid = {*_UNSAID, "values"} if kind is ast.JoinedStr else _UNSAID
    return _fields.setdefault(kind, tuple(name for name in kind._fields if name not in unsaid))


def _says_nothing(node: ast.AST) -> bool:
    """Whether a statement is a docstring, another bare constant, or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _constant(value: object) -> str:
    """A constant of the source as text; `ascii`, for what is printable differs between versions of Python."""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)  # as decimals, a number may be longer than Python is willing to write
    return ascii(value)


def _pieces_together(node: ast.JoinedStr) -> Iterator[object]:
    """The pieces of an f-string, whose texts versions of Python cut in different places."""
    text = ""
    for piece in node.values:
        if isinstance(piece, ast.Constant):
            text += str(piece.value)
            continue
        if text:
            yield text
        text = ""
        if isinstance(piece, ast.FormattedValue) and isinstance(piece.format_spec, ast.JoinedStr):
            yield from (piece.value, piece.conversion, piece.format_spec)
        else:
            yield piece
    if text:
        yield text
