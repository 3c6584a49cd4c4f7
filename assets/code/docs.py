"""Which docstrings a piece of syntax reads: one that is read by name counts there, though it counts nowhere else."""

import ast
from collections.abc import Collection, Iterable

from assets.code.names import Chain, chain_of

_DOC = "__doc__"


def unnamed_docstring(text: str, nodes: Iterable[ast.AST], chains: Collection[Chain]) -> int | None:
    """The first line where a docstring is read of something that no name from outside leads to; None where none is."""
    if f"'{_DOC}'" not in text:
        return None
    named = {chain[: chain.index(_DOC) + 1] for chain in chains if _DOC in chain}
    read = [part for node in nodes for part in ast.walk(node) if _reads(part)]
    asked = {id(part.args[1]) for part in read if isinstance(part, ast.Call)}
    lines = [int(getattr(part, "lineno", 1)) for part in read if id(part) not in asked and chain_of(part) not in named]
    return min(lines, default=None)


def _reads(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):  # getattr(f, "__doc__")
        chain = chain_of(node)
        return chain is not None and chain[-1] == _DOC
    return (isinstance(node, ast.Attribute) and node.attr == _DOC) or (
        isinstance(node, ast.Constant) and node.value == _DOC
    )
