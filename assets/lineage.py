"""Lineage, read from the stamps alone: what a version was made from, and what was made from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from assets.errors import UnknownVersion
from assets.key import full_key, nearest
from lakehouse.errors import PlatformError
from lakehouse.history import Commit, Live, last_stamped, live_commits
from lakehouse.lake import Lake
from lakehouse.landing import LandedFile
from lakehouse.stamp import InputVersion, Stamp
from lakehouse.table import TableVersion
from lakehouse.taken import files_of_all, taken_files
from lakehouse.views import published_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One published version of an asset, with the commit that tells of it; a commit of others has no stamp.

    `live` has the commits that its content comes from.
    """

    key: str
    version: int
    table: TableVersion
    at: datetime
    stamp: Stamp | None
    rows: int | None = None
    operation: str = ""
    live: Live = field(default_factory=Live, compare=False)

    @property
    def files(self) -> tuple[LandedFile, ...]:
        """The landed files whose rows it holds."""
        stamps = (commit.stamp for commit in self.live)
        return tuple(files_of_all(taken_files(stamps, self.key, with_rejected=False)).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A version, and the versions next to it on the way up or down. `alias` is how it was chosen."""

    key: str
    version: int
    alias: str | None = None
    made: Version | None = None
    next: tuple["Node", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """All published versions of a lake, in the order of their commits; and the tables whose logs cannot be read."""

    versions: Mapping[str, tuple[Version, ...]]
    unreadable: Mapping[str, PlatformError] = field(default_factory=dict)

    @classmethod
    def of(cls, lake: Lake, tables: Iterable[str] | None = None) -> "Lineage":
        """The lineage that the logs of a lake tell now; of some of its tables, where they are named."""
        return cls.told_by(lake.histories(tables))

    @classmethod
    def told_by(cls, histories: Iterable[tuple[str, Sequence[Commit] | PlatformError]]) -> "Lineage":
        """The lineage that the histories of tables tell."""
        found: dict[str, list[Version]] = {}
        unreadable: dict[str, PlatformError] = {}
        for table, commits in histories:
            if isinstance(commits, PlatformError):
                unreadable[table] = commits
                continue
            for version in _versions(table, commits):
                found.setdefault(version.key, []).append(version)
        return cls(versions={key: tuple(versions) for key, versions in found.items()}, unreadable=unreadable)

    def find(self, key: str, version: int | None = None) -> Version:
        """A version by its number, or the newest; of an asset that is named by its key or its bare name."""
        key = full_key(key, (*self.versions, *self.unreadable))
        known = self.versions.get(key, ())
        if key in self.unreadable:
            raise self.unreadable[key]
        if not known:
            raise UnknownVersion(key, version, (), nearest(key, self.versions))
        if version is None:
            return known[-1]
        found = [made for made in known if made.version == version]
        if not found:
            raise UnknownVersion(key, version, tuple(made.version for made in known), ())
        return found[-1]

    def upstream(self, made: Version, alias: str | None = None) -> Node:
        """The tree of what a version was made from, down to the landed files."""
        read = made.stamp.reads if made.stamp else ()
        return Node(
            key=made.key,
            version=made.version,
            alias=alias,
            made=made,
            next=tuple(self._input(key, version) for key, version in read),
        )

    def downstream(self, made: Version) -> Node:
        """The tree of what was made from a version."""
        readers = [other for others in self.versions.values() for other in others if _reads(other, made)]
        return Node(
            key=made.key, version=made.version, made=made, next=tuple(self.downstream(other) for other in readers)
        )

    def _input(self, key: str, read: InputVersion) -> Node:
        made = next((v for v in self.versions.get(key, ()) if v.table == read.table_version), None)
        if made is None:
            return Node(key=key, version=read.version, alias=read.alias)
        return self.upstream(made, read.alias)


def _reads(reader: Version, made: Version) -> bool:
    read = reader.stamp.reads if reader.stamp else ()
    return any(key == made.key and version.table_version == made.table for key, version in read)


def _versions(table: str, commits: Sequence[Commit]) -> Iterable[Version]:
    for commit, live in zip(commits, live_commits(commits), strict=True):
        stamp = commit.stamp
        if stamp is not None and stamp.asset != table:
            if stamp.inputs:
                version = published_version(commit)
                known_as = TableVersion(table_id=_model_id(stamp), version=version)
                yield Version(key=stamp.asset, version=version, table=known_as, at=commit.at, stamp=stamp)
            continue
        stands = last_stamped(live, table) if commit.restores is not None else None
        yield Version(
            key=table,
            version=commit.version,
            table=commit.table_version,
            at=commit.at,
            stamp=stands.stamp if stands else stamp,
            rows=commit.rows,
            operation=commit.operation,
            live=live,
        )


def _model_id(stamp: Stamp) -> str:
    told = stamp.extra.get("journal")
    return str(told.get("model_id")) if isinstance(told, dict) else ""
