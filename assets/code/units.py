"""Reads the project's code piece by piece: the text of each, and what the names in it stand for now."""

import ast
import re
from dataclasses import dataclass, field
from types import FunctionType

from assets import author
from assets.code.docs import unnamed_docstring
from assets.code.kinds import tell_class
from assets.code.lookup import Lookup
from assets.code.names import Chain, chain_of, declares
from assets.code.owned import Project
from assets.code.patches import Patches
from assets.code.source import Namespace, Source
from assets.code.telling import Telling
from assets.code.unit import Code, Global, Unit, name_of, source_of
from assets.code.untold import Untold

_AROUND = ("attr='__subclasses__'", "attr='__globals__'", "attr='f_globals'")
_FRAMES = frozenset({"DataFrame", "LazyFrame", "Table", "RecordBatch", "DuckDBPyRelation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """All pieces that were read so far; one that many assets use is read once."""

    project: Project
    patches: Patches
    _read: dict[int, tuple[object, Unit | Untold]] = field(default_factory=dict)
    _globals: dict[tuple[int, str], Global] = field(default_factory=dict)
    _frames: dict[int, frozenset[str]] = field(default_factory=dict)

    def of(self, code: Code) -> Unit:
        """What a function, a class or a name is; raises Untold, with the place, where the text does not tell."""
        _, found = self._read.get(id(code), (None, None))
        if found is None:
            found = self._reading(code)
            self._read[id(code)] = (code, found)
        if isinstance(found, Untold):
            raise found
        return found

    def telling(self, *, leaves_paths: bool = False) -> Telling:
        """Something that is about to be told."""
        return Telling(project=self.project, is_decorated=self._is_decorated, leaves_paths=leaves_paths)

    def global_of(self, namespace: Namespace, name: str) -> Global:
        """A name of a module, the same one each time."""
        return self._globals.setdefault((id(namespace), name), Global(namespace=namespace, name=name))

    def _reading(self, code: Code) -> Unit | Untold:
        try:
            if isinstance(code, FunctionType):
                telling = self._function(code)
            elif isinstance(code, type):
                telling = self.telling()
                tell_class(self, telling, code)
            else:
                telling = self._global(code)
        except Untold as error:
            return error
        except RecursionError:
            return Untold(f"{name_of(code)} is nested too deeply to be read")
        return Unit.of(name_of(code), telling.words, telling.refers)

    def declaration(self, telling: Telling, function: FunctionType, option: str) -> None:
        """Adds the text that an option is given by, where a function is declared."""
        source = source_of(function.__globals__, function.__code__.co_filename)
        node = source.functions.get((function.__code__.co_name, function.__code__.co_firstlineno))
        calls = [word for word in getattr(node, "decorator_list", []) if isinstance(word, ast.Call)]
        nodes: list[ast.AST] = [given.value for call in calls for given in call.keywords if given.arg == option]
        if not nodes:
            raise Untold(f"{option} are not given where the function is declared", source.file)
        self.text(telling, nodes, source, function)

    def _function(self, function: FunctionType) -> Telling:
        source, nodes = self._nodes_of(function)
        telling = self.telling()
        self.text(telling, nodes, source, function)
        is_local = "<locals>" in function.__code__.co_qualname
        values = [
            *(function.__defaults__ or ()),
            *(part for _, part in sorted((function.__kwdefaults__ or {}).items())),
        ]
        for value in values:
            self.trial(telling, value, "a default" if is_local else None, _place(source, nodes[0]))
        for name, value in sorted(vars(function).items()):
            if not name.startswith("__"):  # a decorator says in the text what it sets
                telling.say(name)
                self.trial(telling, value, None if self._is_decorated(function) else name, _place(source, nodes[0]))
        return telling

    def trial(self, telling: Telling, value: object, strict: str | None, place: str = "") -> bool:
        """Adds a value that the text tells too; where it does not, the value counts strictly, as what is called so.

        Says whether the value could be told.
        """
        trial = self.telling(leaves_paths=strict is None)
        try:
            trial.value(value)
        except Untold as error:
            if strict is not None:
                raise Untold(f"{strict}: {error.reason}", place) from error
            return False
        telling.say(*trial.words)
        telling.refers += trial.refers
        return True

    def _nodes_of(self, function: FunctionType) -> tuple[Source, list[ast.AST]]:
        code = function.__code__
        try:
            source = source_of(function.__globals__, code.co_filename)
        except Untold as error:
            raise Untold(f"{name_of(function)} has no source in Python", error.place) from error
        if code.co_name == "<lambda>":
            nodes: list[ast.AST] = [*source.lambdas(code.co_firstlineno)]
        else:
            node = source.functions.get((code.co_name, code.co_firstlineno))
            nodes = []
            if node is not None:  # what the declaration of an asset says counts by its value
                decorators = [word for word in node.decorator_list if not self._declares(word, function.__globals__)]
                nodes = [source.bare(node, decorators)]
        if not nodes:
            place = f"{source.file}:{code.co_firstlineno}"
            raise Untold(
                f"{name_of(function)} does not stand in its file, which was changed after it was loaded", place
            )
        return source, nodes

    def _declares(self, decorator: ast.expr, namespace: Namespace) -> bool:
        if not declares(decorator):
            return False
        chain = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator) or ("",)
        found = namespace.get(chain[0])
        for name in chain[1:]:
            found = getattr(found, name, None)
        return found is None or getattr(found, "__module__", "") == author.__name__

    def _is_decorated(self, function: FunctionType) -> bool:
        _, nodes = self._nodes_of(function)
        return any(getattr(node, "decorator_list", []) for node in nodes)

    def text(
        self, telling: Telling, nodes: list[ast.AST], source: Source, within: FunctionType | Namespace, skip: str = ""
    ) -> None:
        """Adds syntax, and what the names in it stand for."""
        text, used = source.read(nodes)
        if any(word in text for word in _AROUND):
            raise Untold("it reaches code around its names", _place(source, nodes[0]))
        if (line := unnamed_docstring(text, nodes, used.chains)) is not None:
            raise Untold("which docstring is read is not in the text", f"{source.file}:{line}")
        telling.say(text)
        lookup = Lookup.of(self, telling, within, used.imports)
        for chain, line in {**used.chains, **self._scanned(nodes, lookup.namespace)}.items():
            if chain[0] == skip:
                continue
            telling.say(".".join(chain))
            try:
                telling.say(*lookup.docstring(chain))
                lookup.follow(chain)
            except Untold as error:
                raise Untold(f"{'.'.join(chain)}: {error.reason}", f"{source.file}:{line}") from error

    def _scanned(self, nodes: list[ast.AST], namespace: Namespace) -> dict[Chain, int]:
        """The frames of a module that its texts name: DuckDB finds them from within SQL."""
        if id(namespace) not in self._frames:
            self._frames[id(namespace)] = frozenset(name for name, value in namespace.items() if _is_frame(value))
        frames = self._frames[id(namespace)]
        if not frames:
            return {}
        texts = (part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Constant))
        return {
            (name,): part.lineno
            for part in texts
            if isinstance(part.value, str)
            for name in sorted(frames.intersection(re.findall(r"\w+", part.value)))
        }

    def _global(self, code: Global) -> Telling:
        """By its value, where that tells; by the statements that make it where that does not, or leaves a path to them."""
        namespace, name = code.namespace, code.name
        source = source_of(namespace, namespace["__file__"]) if "__file__" in namespace else None
        telling = self.telling(leaves_paths=source is not None and name in source.bindings)
        reason = "functions of its module change it"
        if source is None or name not in source.rebound:
            try:
                telling.value(namespace[name])
            except Untold as error:
                reason, telling = error.reason, self.telling()
            else:
                if source is None or not telling.has_left_paths:
                    return telling
        nodes = [*source.bindings.get(name, ()), *source.rebinding(name)] if source else []
        if source is None or not nodes:
            raise Untold(f"{reason}, and no statement of {namespace.get('__name__')} makes it")
        self.text(telling, [*nodes], source, namespace, name)
        return telling


def _is_frame(value: object) -> bool:
    kind = type(value)
    return kind.__name__ in _FRAMES and kind.__module__.partition(".")[0] in {
        "pandas",
        "polars",
        "pyarrow",
        "duckdb",
        "_duckdb",
    }


def _place(source: Source, node: ast.AST) -> str:
    return f"{source.file}:{getattr(node, 'lineno', 1)}"
