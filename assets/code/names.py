"""What a piece of syntax uses from outside itself: names, as far as the text follows them by dots, and its own imports."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Chain = tuple[str, ...]
_NAMELESS = frozenset({ast.Constant, ast.Load, ast.Store, ast.Pass})
_OF_TYPES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})  # syntax of Python 3.12
_SPECIAL = frozenset(
    {
        *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Import, ast.ImportFrom, ast.AnnAssign),
        *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.AugAssign, ast.ExceptHandler),
        *(ast.Global, ast.Nonlocal, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
        *(kind for name, kind in vars(ast).items() if name in _OF_TYPES),
    }
)


class Import(NamedTuple):
    """What one import statement binds a name to: a module, or a name of it."""

    module: str
    level: int
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """The names from outside, with the line of the first use, such as `("kit", "tools", "f")`, and what is imported inside."""

    chains: Mapping[Chain, int]
    imports: Mapping[str, tuple[Import, ...]]


@dataclass(slots=True)
class _Scope:
    """One scope: what it binds and what it uses. A comprehension binds what `:=` says in the scope around it."""

    imports: dict[str, list[Import]]
    around: "_Scope | None" = None
    bound: set[str] = field(default_factory=set)
    declared: set[str] = field(default_factory=set)
    used: dict[Chain, int] = field(default_factory=dict)

    def use(self, chain: Chain, line: int) -> None:
        self.used.setdefault(chain, line)

    def free(self) -> Iterable[tuple[Chain, int]]:
        hidden = self.bound - self.declared - self.imports.keys()
        return [(chain, line) for chain, line in self.used.items() if chain[0] not in hidden]


def uses(nodes: Iterable[ast.AST]) -> Uses:
    """What the nodes use that is not bound by themselves."""
    scope = _Scope(imports={})
    for node in nodes:
        _visit(node, scope)
    told = {name: tuple(dict.fromkeys(found)) for name, found in scope.imports.items()}
    return Uses(chains=dict(sorted(scope.used.items())), imports=told)


def imported(node: ast.Import | ast.ImportFrom) -> dict[str, Import]:
    """What an import statement binds, by name."""
    if isinstance(node, ast.ImportFrom):
        return {
            word.asname or word.name: Import(module=node.module or "", level=node.level, name=word.name)
            for word in node.names
        }
    return {
        word.asname or word.name.partition(".")[0]: Import(module=word.name, level=0, name=None if word.asname else "")
        for word in node.names
    }


def chain_of(node: ast.AST) -> Chain | None:
    """`kit.tools.f` as a tuple, and `getattr(kit, "f")` as `kit.f`; None for what begins with no name."""
    behind: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            behind.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            return (node.id, *reversed(behind))
        elif isinstance(node, ast.Call) and (name := _asked_by_name(node)) is not None:
            behind.append(name)
            node = node.args[0]
        else:
            return None


def declares(decorator: ast.expr) -> bool:
    """Whether a decorator is called like one of those that declare an asset."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in {"asset", "model"}


def _asked_by_name(node: ast.Call) -> str | None:
    if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1 and not node.keywords:
        name = node.args[1]
        return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None
    return None


def _visit(node: ast.AST, scope: _Scope) -> None:
    kind = type(node)
    if isinstance(node, (ast.Name, ast.Attribute, ast.Call)):
        _visit_expression(node, scope)
    elif kind in _NAMELESS:
        return
    elif kind not in _SPECIAL:
        _inside(node, scope)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        _visit_function(node, scope)
    elif isinstance(node, ast.ClassDef):
        scope.bound.add(node.name)
        _all((*node.decorator_list, *node.bases, *node.keywords), scope)
        inner = _Scope(imports=scope.imports)
        _all((*getattr(node, "type_params", ()), *node.body), inner)
        scope.used |= inner.used  # what a class binds hides nothing from its methods, and its own body may read both
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        _visit_comprehension(node, scope)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for name, found in imported(node).items():
            scope.imports.setdefault(name, []).append(found)
    elif isinstance(node, ast.AnnAssign):
        _annotation(node.annotation, scope)
        _all((node.target, *([node.value] if node.value else [])), scope)
    else:
        _visit_binding(node, scope)


def _visit_binding(node: ast.AST, scope: _Scope) -> None:
    if isinstance(node, ast.NamedExpr):
        home = scope
        while home.around is not None:
            home = home.around
        home.bound.add(node.target.id)
        _visit(node.value, scope)
        return
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        scope.declared.update(node.names)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        scope.use((node.target.id,), node.lineno)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        scope.bound.add(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        scope.bound.add(node.rest)
    elif type(node).__name__ in _OF_TYPES:
        scope.bound.add(str(getattr(node, "name", "")))
    _inside(node, scope)


def _visit_expression(node: ast.Name | ast.Attribute | ast.Call, scope: _Scope) -> None:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        scope.bound.add(node.id)
        return
    below: ast.AST = node
    while isinstance(below, (ast.Name, ast.Attribute, ast.Call)):  # a chain of calls may be longer than Python is deep
        chain = chain_of(below)
        if isinstance(below, ast.Call):
            _all((*below.args[0 if chain is None else 1 :], *below.keywords), scope)
        if chain is not None:
            scope.use(chain, below.lineno)
            return
        below = below.func if isinstance(below, ast.Call) else below.value  # type: ignore[union-attr]
    _visit(below, scope)


def _visit_comprehension(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: _Scope) -> None:
    inner = _Scope(imports=scope.imports, around=scope)
    first = node.generators[0]
    _visit(first.iter, scope)
    _all((first.target, *first.ifs, *node.generators[1:]), inner)
    _all((node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,), inner)
    scope.used.update(inner.free())


def _visit_function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: _Scope) -> None:
    given = node.args
    parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    parameters += [one for one in (given.vararg, given.kwarg) if one is not None]
    inner = _Scope(imports=scope.imports)
    inner.bound |= {parameter.arg for parameter in parameters}
    _all((*given.defaults, *(default for default in given.kw_defaults if default)), scope)
    if isinstance(node, ast.Lambda):
        _visit(node.body, inner)
    else:
        scope.bound.add(node.name)
        _all(node.decorator_list, scope)
        for annotation in (node.returns, *(parameter.annotation for parameter in parameters)):
            if annotation is not None:
                _annotation(annotation, scope)
        _all((*getattr(node, "type_params", ()), *node.body), inner)
    scope.used.update(inner.free())


def _annotation(node: ast.expr, scope: _Scope) -> None:
    """An annotation may be a text, or hold some."""
    _visit(node, scope)
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                words = ast.parse(part.value.strip(), mode="eval").body
            except (SyntaxError, ValueError):
                continue
            inner = _Scope(imports={})
            _visit(words, inner)
            for chain in inner.used:
                scope.use(chain, part.lineno)


def _all(nodes: Iterable[ast.AST], scope: _Scope) -> None:
    for node in nodes:
        _visit(node, scope)


def _inside(node: ast.AST, scope: _Scope) -> None:
    for name in node._fields:
        part = getattr(node, name, None)
        if isinstance(part, ast.AST):
            _visit(part, scope)
        elif isinstance(part, list):
            for item in part:
                if isinstance(item, ast.AST):
                    _visit(item, scope)
