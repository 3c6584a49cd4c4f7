"""A syntax tree as text: the same exactly while the code says the same, in whatever folder, layout and version of Python."""

import ast
from collections.abc import Collection, Iterator

_UNSAID = frozenset({"ctx", "kind", "type_comment", "type_ignores", "lineno", "col_offset"})
_fields: dict[type[ast.AST], tuple[str, ...]] = {}


def spelled(node: object, without: Collection[ast.expr] = ()) -> str:
    """A tree as text, without docstrings, without the decorators that are left out, and without empty fields.

    Fields that one version of Python has and another has not are empty where both can read the source.
    """
    words: list[str] = []
    _spell(node, words, without)
    return "".join(words)


def _spell(node: object, words: list[str], without: Collection[ast.expr]) -> None:
    if isinstance(node, ast.JoinedStr):
        node = _joined(node)
    if isinstance(node, ast.AST):
        kind = type(node)
        words.append(kind.__name__)
        words.append("(")
        for name in _fields.get(kind) or _fields_of(kind):
            value = getattr(node, name, None)
            if value is None or value in ([], ""):
                if name == "value" and kind is ast.Constant:
                    words.append(_constant(value))
                continue
            words.append(name)
            words.append("=")
            _spell(value, words, without)
        words.append(")")
    elif isinstance(node, list):
        words.append("[")
        for item in node:
            if not _says_nothing(item) and item not in without:
                _spell(item, words, without)
                words.append(",")
        words.append("]")
    else:
        words.append(_constant(node))


def _fields_of(kind: type[ast.AST]) -> tuple[str, ...]:
    return _fields.setdefault(kind, tuple(name for name in kind._fields if name not in _UNSAID))


def _says_nothing(node: object) -> bool:
    """Whether a statement is a docstring, another bare constant, or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _constant(value: object) -> str:
    """A constant of the source as text; `ascii`, for what is printable differs between versions of Python."""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)  # as decimals, a number may be longer than Python is willing to write
    return ascii(value)


def _joined(node: ast.JoinedStr) -> list[object]:
    """The pieces of an f-string, which versions of Python cut in different places."""
    pieces: list[object] = ["f"]
    for piece in _pieces(node):
        if isinstance(piece, str) and isinstance(pieces[-1], str) and len(pieces) > 1:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return [piece for piece in pieces if piece != ""]


def _pieces(node: ast.JoinedStr) -> Iterator[object]:
    for piece in node.values:
        if isinstance(piece, ast.Constant):
            yield str(piece.value)
        elif isinstance(piece, ast.FormattedValue):
            form = _joined(piece.format_spec)[1:] if isinstance(piece.format_spec, ast.JoinedStr) else []
            yield [piece.value, piece.conversion, form]
        else:
            yield piece
