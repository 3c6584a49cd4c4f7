"""A value as text, and the functions and classes of the project that it holds or is made of."""

import inspect
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property, partial, partialmethod
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType, SimpleNamespace

from assets.asset import External, ModelAsset, TableAsset
from assets.code.held import held
from assets.code.machine import is_of_a_machine
from assets.code.owned import Project
from assets.code.untold import Untold

_PLAIN = (str, bytes, int, float, complex)
_CONSTANTS = frozenset(
    {*_PLAIN, bool, type(None), type(...), range, slice, Decimal, Fraction, date, datetime, time, timedelta, timezone}
)
_ITEMS = (list, tuple, deque)
_PAIRS = (dict, MappingProxyType)
_SETS = (set, frozenset)
_CONTAINERS = frozenset({*_ITEMS, *_PAIRS, *_SETS, OrderedDict, defaultdict, Counter, SimpleNamespace})
_LONGEST = 1_000_000
_COMPILED = 1 << 9  # the flag of a type that is missing where C made it


@dataclass(slots=True, kw_only=True)
class Telling:
    """What is said of one thing so far: words, and in the same order the code that the words refer to.

    What has a text that makes it `leaves_paths` to that: a path may be another one in another copy of the project.
    """

    project: Project
    is_decorated: Callable[[FunctionType], bool]
    leaves_paths: bool = False
    has_left_paths: bool = False
    words: list[str] = field(default_factory=list)
    refers: list[object] = field(default_factory=list)
    _inside: list[int] = field(default_factory=list)

    def say(self, *words: str) -> None:
        """Adds words; a delimiter follows each."""
        self.words += words
        if len(self.words) > _LONGEST:
            raise Untold("it holds too much")

    def refer(self, to: object) -> None:
        """Adds a reference to a function, a class or a global name of the project."""
        self.words.append("->")
        self.refers.append(to)

    def value(self, value: object) -> None:
        """Adds a value: constants, containers, instances of the project's classes, and code; raises Untold for others."""
        if id(value) in self._inside:
            self.say(f"again {len(self._inside) - self._inside.index(id(value))}")
            return
        self._inside.append(id(value))
        kind = type(value)
        if isinstance(value, Enum):
            self.value(kind)
            self.say(str(value.name))
        elif kind in _CONSTANTS or isinstance(value, (re.Pattern, PurePath)):
            self._constant(value)
        elif isinstance(value, (TableAsset, ModelAsset, External)):
            self._asset(value)
        elif kind in _CONTAINERS:
            self.say(kind.__name__)
            self._items(value)
        elif isinstance(value, (partial, partialmethod)):
            self.say("partial")
            self._all((value.func, value.args, value.keywords))
        elif isinstance(value, (FunctionType, MethodType, BuiltinFunctionType, type, ModuleType)):
            self._code(value)
        elif self.project.owns_class(kind):
            self._instance(value)
        elif is_dataclass(value):
            self.say(kind.__qualname__)
            self.fields(value)
        else:
            self._foreign(value)
        self._inside.pop()

    def _constant(self, value: object) -> None:
        if self.leaves_paths and is_of_a_machine(value, self.project.places):
            self.has_left_paths = True
            self.say("a path")
        else:
            self.say(worded(value))

    def fields(self, value: object, without: Collection[str] = ()) -> None:
        """Adds the fields of a dataclass that are not what they are by default, so that a new one changes nothing."""
        for part in fields(value) if is_dataclass(value) else ():
            given = getattr(value, part.name)
            if part.name not in without and not (type(given) in _CONSTANTS and given == part.default):
                self.say(part.name)
                self.value(given)

    def _all(self, values: Iterable[object]) -> None:
        for value in values:
            self.value(value)

    def _items(self, value: object) -> None:
        if isinstance(value, defaultdict):
            self.value(value.default_factory)
        if isinstance(value, SimpleNamespace):
            self._items(vars(value))
        elif isinstance(value, _PAIRS):
            self._all(part for pair in value.items() for part in pair)
        elif isinstance(value, _SETS):
            self._members(value)
        elif isinstance(value, _ITEMS):
            self._all(value)
        self.say("end")

    def _members(self, value: Iterable[object]) -> None:
        """What a set holds; its order differs between processes."""
        words, kinds = [], set()
        for member in value:
            told = Telling(project=self.project, is_decorated=self.is_decorated, leaves_paths=self.leaves_paths)
            told.value(member)
            self.has_left_paths |= told.has_left_paths
            if told.refers and not isinstance(member, Enum):
                raise Untold("a set of functions, classes or instances has no order")
            words.append("\0".join(told.words))
            kinds.update(told.refers)
        self.say(*sorted(words))
        for kind in sorted(kinds, key=dotted):
            self.refer(kind)

    def _asset(self, value: TableAsset | ModelAsset | External) -> None:
        self.say("asset", value.key)
        if isinstance(value, External):
            self._all((value.files, value.columns, value.table))
        elif value.code is not None:
            self.say(value.code)
        else:
            self.value(value.function)

    def _code(self, value: FunctionType | MethodType | BuiltinFunctionType | type | ModuleType) -> None:
        if isinstance(value, MethodType):
            self._all((value.__func__, value.__self__))
        elif isinstance(value, ModuleType):
            if self.project.owns(value):
                raise Untold(f"which names of the module {value.__name__} are used is not in the text")
            self.say(value.__name__)
        elif isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, (ModuleType, type(None), type)):
            self.say(value.__name__)
            self.value(value.__self__)
        elif self._is_owned(value):
            self.refer(value)
        else:
            self._foreign(value)

    def _is_owned(self, value: object) -> bool:
        if isinstance(value, FunctionType):
            return self.project.owns_function(value)
        return isinstance(value, type) and self.project.owns_class(value)

    def _foreign(self, value: object) -> None:
        """What Python or a package brings: by what it holds, by its name, or by the project's function that it wraps."""
        if (words := held(value)) is not None:
            self.say(*words)
            return
        registry = inspect.getattr_static(value, "registry", None)
        if isinstance(registry, MappingProxyType):
            self.say("by type")
            for kind, function in sorted(registry.items(), key=lambda item: dotted(item[0])):
                self.say(dotted(kind))
                self.value(function)
            return
        if not isinstance(value, type) and (inner := wrapped(value)) is not None:
            if isinstance(inner, FunctionType) and self.project.owns_function(inner) and not self.is_decorated(inner):
                raise Untold(f"how {type(value).__qualname__} wraps {inner.__qualname__} is not in the text")
            self.say("wrapped")
            self.value(inner)
            return
        name = dotted(value)
        if not is_at(value, name):
            raise Untold(f"what a {dotted(type(value))} holds is not in the text")
        if self.project.owns_module(str(getattr(value, "__module__", ""))):
            raise Untold(f"{name} has no source in Python")
        self.say(name)

    def _instance(self, value: object) -> None:
        kind = type(value)
        self.refer(kind)
        for above in kind.__mro__:
            if not above.__flags__ & _COMPILED and above not in {object, *_CONTAINERS, *_PLAIN}:
                if not issubclass(above, BaseException):
                    raise Untold(f"what a {dotted(above)} holds is not in the text")
                self.value(getattr(value, "args", ()))
        self.say(*(plain.__repr__(value) for plain in _PLAIN if isinstance(value, plain)))
        state = dict(getattr(value, "__dict__", {}))
        for above in kind.__mro__:
            slots = vars(above).get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if hasattr(value, name):
                    state[name] = getattr(value, name)
        kept = {
            name for above in kind.__mro__ for name, part in vars(above).items() if isinstance(part, cached_property)
        }
        for name in sorted(state.keys() - kept):
            if not name.startswith("__"):
                self.say(name)
                self.value(state[name])
        if isinstance(value, (*_ITEMS, *_PAIRS, *_SETS)):
            self._items(value)


def worded(value: object) -> str:
    """A constant as text; `ascii`, for what is printable differs between versions of Python."""
    if isinstance(value, re.Pattern):
        return f"pattern {value.pattern!a} {int(value.flags)}"
    if isinstance(value, PurePath):
        return ascii(value.as_posix())
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)
    return ascii(value)


def wrapped(value: object) -> object | None:
    """What a cache or a decorator of others says that it stands for."""
    found: object = inspect.getattr_static(value, "__wrapped__", None)
    return found


def dotted(value: object) -> str:
    """The name of a class or function with its module's."""
    return f"{getattr(value, '__module__', None)}.{getattr(value, '__qualname__', type(value).__qualname__)}"


def is_at(value: object, name: str) -> bool:
    """Whether a class or function is what its name says, and not one of many that were made under one name."""
    found: object = sys.modules.get(str(getattr(value, "__module__", None)))
    for part in str(getattr(value, "__qualname__", "<none>")).split("."):
        found = getattr(found, part, None)
    return found is value
