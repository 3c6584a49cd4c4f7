"""What can be wrong with definitions, selections and runs.

PlatformError (lakehouse.errors)
├── Fatal
│   ├── DefinitionWrong          what an author wrote cannot be a graph; names file and line
│   │   ├── BadKey               a key that is not `layer.name`, or that Lakeline keeps itself
│   │   ├── BadOption            an option that is not one of the possible ones
│   │   ├── UnknownInput         an input that no definition produces
│   │   ├── AmbiguousName        one key, or one name, declared twice
│   │   └── Cycle                assets that need each other
│   ├── DefinitionsUnloadable    a module of definitions that cannot be imported
│   ├── BadSelection             the text of a selection that cannot be read; shows the place
│   ├── UnknownAsset             a selection that names nothing
│   ├── NoAssetHas               a tag, owner, group or kind that no asset has
│   ├── NotOne                   words that should choose one asset and do not
│   ├── NotChosen                an asset to explain that the selection leaves out
│   ├── UnknownVersion           a version that no commit has made
│   ├── NotPinnable              a version that the inputs of a run cannot be held to
│   ├── VersionsLost             versions of tables that models were trained on and that are gone
│   ├── UnknownRun               a run that made nothing
│   ├── ForeignTable             a table at an asset's place that others wrote
│   ├── DecidedMeanwhile         an answer to a question that others have answered
│   ├── TurnedDown               a version to be moved that a person has turned down
│   ├── FunctionFailed           an author's function raised
│   ├── InputGone                a version that a model was trained on and that was removed meanwhile
│   ├── NothingToCompare         a model and a table between which no drift can be measured
│   ├── CheckUnusable            a check that cannot be asked of its asset's frame
│   ├── ChecksFailed             rows that may not be published
│   └── ReleaseRefused           mended rows that cannot go back into their table
└── Transient
    └── Interrupted              an asset that was given up because the run was asked to end
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import Fatal, Transient


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The place in the source where something is declared."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @classmethod
    def of_caller(cls, above: int = 1) -> "Where":
        """The place that called the function which asks, or that many calls further up."""
        frame = sys._getframe(above + 1)
        path = Path(frame.f_code.co_filename)
        shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return cls(file=str(shown), line=frame.f_lineno)


class DefinitionWrong(Fatal):
    """What an author wrote cannot be a graph."""


class BadKey(DefinitionWrong):
    """A key that is not `layer.name`, or that is taken by a table of Lakeline's own."""

    def __init__(self, key: str, where: Where | None = None, taken: str = "") -> None:
        super().__init__(key, where, taken)
        self.key, self.where, self.taken = key, where, taken

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        if self.taken:
            return f"{place}{self.key!r} is {self.taken}; wanted another name"
        return f"{place}{self.key!r} is not a key; wanted 'layer.name' in lower case letters, digits and underscores"


class BadOption(DefinitionWrong):
    """An option that is not one of the possible ones."""

    def __init__(self, where: Where, option: str, found: str, wanted: str) -> None:
        super().__init__(where, option, found, wanted)
        self.where, self.option, self.found, self.wanted = where, option, found, wanted

    def __str__(self) -> str:
        return f"{self.where}: {self.option} is {self.found}; wanted {self.wanted}"


class UnknownInput(DefinitionWrong):
    """An input that no definition produces."""

    def __init__(self, where: Where, asset: str, wanted: str, nearest: tuple[str, ...]) -> None:
        super().__init__(where, asset, wanted, nearest)
        self.where, self.asset, self.wanted, self.nearest = where, asset, wanted, nearest

    def __str__(self) -> str:
        hint = (
            f"did you mean {' or '.join(self.nearest)}?" if self.nearest else "declare it with asset, model or external"
        )
        return f"{self.where}: {self.asset} reads {self.wanted!r}, which no definition produces; {hint}"


class AmbiguousName(DefinitionWrong):
    """One key, or one name, declared twice: a table has one writer, and a name is unique over layers."""

    def __init__(self, first: str, first_where: Where, second: str, second_where: Where) -> None:
        super().__init__(first, first_where, second, second_where)
        self.first, self.first_where = first, first_where
        self.second, self.second_where = second, second_where

    def __str__(self) -> str:
        if self.first == self.second:
            found = f"{self.first!r} has two writers; a table has one"
        else:
            found = (
                f"{self.first!r} and {self.second!r} share a name; names are unique over layers, so rename one of them"
            )
        return f"{self.second_where}: {found}, and the first is declared at {self.first_where}"


class Cycle(DefinitionWrong):
    """Assets that need each other."""

    def __init__(self, keys: tuple[str, ...], places: tuple[Where, ...]) -> None:
        super().__init__(keys, places)
        self.keys, self.places = keys, places

    def __str__(self) -> str:
        told = ", ".join(f"{key} ({place})" for key, place in zip(self.keys, self.places, strict=True))
        return f"{self.places[0]}: these assets need each other: {' -> '.join((*self.keys, self.keys[0]))}; declared: {told}"


class DefinitionsUnloadable(Fatal):
    """A module of definitions that cannot be imported."""

    def __init__(self, module: str, reason: str) -> None:
        super().__init__(module, reason)
        self.module, self.reason = module, reason

    def __str__(self) -> str:
        return f"the definitions {self.module!r} cannot be loaded: {self.reason}; see LAKELINE_DEFINITIONS"


class BadSelection(Fatal):
    """The text of a selection that cannot be read."""

    def __init__(self, text: str, place: int, wanted: str, found: str) -> None:
        super().__init__(text, place, wanted, found)
        self.text, self.place, self.wanted, self.found = text, place, wanted, found

    def __str__(self) -> str:
        start = max(0, self.place - _SHOWN // 2)
        line = "".join(sign if sign.isprintable() else " " for sign in self.text[start : start + _SHOWN])
        found = f"found {self.found!r}" if self.found else "but here it ends"
        return f"the selection cannot be read: wanted {self.wanted}; {found}\n  {line}\n  {' ' * (self.place - start)}^"


_SHOWN = 100
"""So many characters of a selection are shown around the place of an error."""


class UnknownAsset(Fatal):
    """A selection that names nothing."""

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        super().__init__(name, nearest)
        self.name, self.nearest = name, nearest

    def __str__(self) -> str:
        hint = f"did you mean {' or '.join(self.nearest)}?" if self.nearest else "'lakeline assets' lists them all"
        return f"no asset is named {self.name!r}; {hint}"


class NoAssetHas(Fatal):
    """A tag, owner, group or kind that no asset has."""

    def __init__(self, attribute: str, name: str, nearest: tuple[str, ...], known: tuple[str, ...]) -> None:
        super().__init__(attribute, name, nearest, known)
        self.attribute, self.name, self.nearest, self.known = attribute, name, nearest, known

    def __str__(self) -> str:
        known = ", ".join(sorted(self.known)[:10])
        hint = f"did you mean {' or '.join(self.nearest)}?" if self.nearest else f"there are {known or 'none'}"
        return f"no asset has the {self.attribute} {self.name!r}; {hint}"


class NotOne(Fatal):
    """Words that should choose one asset and do not."""

    def __init__(self, words: str, found: tuple[str, ...]) -> None:
        super().__init__(words, found)
        self.words, self.found = words, found

    def __str__(self) -> str:
        told = f"{', '.join(self.found[:5])}{', ...' if len(self.found) > 5 else ''}" or "nothing"
        return f"{self.words!r} chooses {told}; name one asset"


class NotChosen(Fatal):
    """An asset to explain that the selection leaves out."""

    def __init__(self, key: str, selection: str) -> None:
        super().__init__(key, selection)
        self.key, self.selection = key, selection

    def __str__(self) -> str:
        return f"{self.key} is not chosen by {self.selection!r}; without a selection, everything is planned"


class UnknownVersion(Fatal):
    """A version that no commit has made."""

    def __init__(self, key: str, version: int | None, known: tuple[int, ...], nearest: tuple[str, ...]) -> None:
        super().__init__(key, version, known, nearest)
        self.key, self.version, self.known, self.nearest = key, version, known, nearest

    def __str__(self) -> str:
        if self.known:
            return f"{self.key} has no version {self.version}; it has {self.known[0]} to {self.known[-1]}"
        hint = (
            f"did you mean {' or '.join(self.nearest)}?" if self.nearest else "'lakeline plan' shows what can be made"
        )
        return f"nothing has made {self.key!r} yet; {hint}"


class VersionsLost(Fatal):
    """Versions of tables that models were trained on and that are gone."""

    def __init__(self, lost: tuple[str, ...]) -> None:
        super().__init__(lost)
        self.lost = lost

    def __str__(self) -> str:
        return (
            f"no longer readable: {'; '.join(self.lost)}; a backup of the files brings them back, "
            "or delete the model's version from MLflow to let go of them"
        )


class NotPinnable(Fatal):
    """A version that the inputs of a run cannot be held to."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text, reason)
        self.text, self.reason = text, reason

    def __str__(self) -> str:
        return f"--at {self.text!r} cannot be read: {self.reason}"


class UnknownRun(Fatal):
    """A run that made nothing."""

    def __init__(self, wanted: str, found: tuple[str, ...]) -> None:
        super().__init__(wanted, found)
        self.wanted, self.found = wanted, found

    def __str__(self) -> str:
        if len(self.found) > 1 and all(run.startswith(self.wanted) for run in self.found):
            return (
                f"{self.wanted!r} is the beginning of {len(self.found)} runs: {', '.join(self.found)}; write more of it"
            )
        hint = f"did you mean {' or '.join(self.found)}?" if self.found else "no run has made anything yet"
        return f"no version was made by a run {self.wanted!r}; {hint}"


class ForeignTable(Fatal):
    """A table at an asset's place that no run of the asset ever wrote to."""

    def __init__(self, key: str, location: str) -> None:
        super().__init__(key, location)
        self.key, self.location = key, location

    def __str__(self) -> str:
        return (
            f"the table at {self.location!r} was written by others, and by no run of {self.key!r}: drop it or give the asset "
            "another key; --force writes over it, and 'lakeline.at' still reads what it held"
        )


class DecidedMeanwhile(Fatal):
    """An answer to a question that others have answered."""

    def __init__(self, model: str, version: int, alias: str, decided: str) -> None:
        super().__init__(model, version, alias, decided)
        self.model, self.version, self.alias, self.decided = model, version, alias, decided

    def __str__(self) -> str:
        return (
            f"{self.alias} of {self.model} was not moved to version {self.version}, nor is that turned down: "
            f"it was decided meanwhile ({self.decided}); look at it anew"
        )


class TurnedDown(Fatal):
    """A version to be moved that a person has turned down."""

    def __init__(self, model: str, version: int, alias: str, decided: str) -> None:
        super().__init__(model, version, alias, decided)
        self.model, self.version, self.alias, self.decided = model, version, alias, decided

    def __str__(self) -> str:
        return (
            f"version {self.version} of {self.model} was turned down for {self.alias} ({self.decided}); "
            "--why with a reason moves it all the same"
        )


class FunctionFailed(Fatal):
    """An author's function raised."""

    def __init__(self, key: str, where: str, reason: str) -> None:
        super().__init__(key, where, reason)
        self.key, self.where, self.reason = key, where, reason

    def __str__(self) -> str:
        return f"the function of {self.key} raised at {self.where}: {self.reason}"


class InputGone(Fatal):
    """A version that a model was trained on and that was removed meanwhile."""

    def __init__(self, key: str, source: str, version: int, reason: str) -> None:
        super().__init__(key, source, version, reason)
        self.key, self.source, self.version, self.reason = key, source, version, reason

    def __str__(self) -> str:
        return (
            f"nothing was registered of {self.key}: {self.source} v{self.version}, which it was trained on, was removed "
            f"meanwhile, as by an upkeep ({self.reason}); run again with a version that is there"
        )


class NothingToCompare(Fatal):
    """A model and a table between which no drift can be measured."""

    def __init__(self, model: str, version: int, table: str, reason: str) -> None:
        super().__init__(model, version, table, reason)
        self.model, self.version, self.table, self.reason = model, version, table, reason

    def __str__(self) -> str:
        return f"{self.table} cannot be compared with what version {self.version} of {self.model} was trained on: {self.reason}"


class CheckUnusable(Fatal):
    """A check that cannot be asked of its asset's frame."""

    def __init__(self, key: str, where: Where, check: str, reason: str) -> None:
        super().__init__(key, where, check, reason)
        self.key, self.where, self.check, self.reason = key, where, check, reason

    def __str__(self) -> str:
        return f"{self.where}: the check {self.check!r} of {self.key} cannot be asked: {self.reason}"


class ChecksFailed(Fatal):
    """Rows that may not be published."""

    def __init__(self, key: str, failures: tuple[str, ...]) -> None:
        super().__init__(key, failures)
        self.key, self.failures = key, failures

    def __str__(self) -> str:
        return f"nothing was published of {self.key}: {'; '.join(self.failures)}"


class Interrupted(Transient):
    """An asset that was given up because the run was asked to end."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key} was given up, because the run was asked to end; run again to make it"


class ReleaseRefused(Fatal):
    """Mended rows that cannot go back into their table."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key, self.reason = key, reason

    def __str__(self) -> str:
        return f"nothing was released to {self.key}: {self.reason}"
