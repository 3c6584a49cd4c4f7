"""Arithmetic over the fields of a request, in the words in which the feature tables are made."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

_Values = Mapping[str, float]
_Part = Callable[[_Values], float]

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# Far beyond any ratio that a person writes, and far below what would exhaust the stack.
_LONGEST = 500


class ExpressionWrong(ValueError):
    """An expression that is more than arithmetic."""


class Expression:
    """Names, numbers, `+ - * /` and parentheses, compiled once; whole numbers count as floats, as in the tables.

    >>> ratio = Expression("petal_length / petal_width")
    >>> ratio.names
    ('petal_length', 'petal_width')
    >>> ratio({"petal_length": 3.0, "petal_width": 2.0})
    1.5

    Columns of NumPy are computed as wholes by the same words.
    """

    __slots__ = ("_compute", "names", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > _LONGEST:
            raise ExpressionWrong(f"an expression has {len(text)} characters; wanted at most {_LONGEST}")
        try:
            tree = ast.parse(text.strip(), mode="eval")
            names: dict[str, None] = {}
            self._compute = _compiled(tree.body, names)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            raise ExpressionWrong(f"{text!r} is not arithmetic over names and numbers: {error}") from error
        self.names = tuple(names)

    def __call__(self, values: _Values) -> float:
        """The value; raises ArithmeticError where there is none, as for a division by zero."""
        return self._compute(values)

    def of_columns(self, columns: "Mapping[str, np.ndarray]") -> "np.ndarray":
        """The values of many rows; where there is none, a number that is not finite."""
        import numpy as np

        compute = cast("Callable[[Mapping[str, np.ndarray]], np.ndarray]", self._compute)
        with np.errstate(all="ignore"):
            return compute(columns)


def _compiled(node: ast.expr, names: dict[str, None]) -> _Part:
    match node:
        case ast.Name(id=name):
            names[name] = None
            return operator.itemgetter(name)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            constant = float(number)
            return lambda _: constant
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            part = _compiled(operand, names)
            return lambda values: -part(values)
        case ast.BinOp(left=left, op=symbol, right=right) if type(symbol) in _OPERATORS:
            apply, first, second = _OPERATORS[type(symbol)], _compiled(left, names), _compiled(right, names)
            return lambda values: apply(first(values), second(values))
        case _:
            raise ExpressionWrong(f"{ast.unparse(node)!r} is not allowed")
