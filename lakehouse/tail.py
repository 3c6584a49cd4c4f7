"""The end of a table's log, looked at again and again: what was committed since, for one listing each time."""

from dataclasses import dataclass

from lakehouse.files import Files
from lakehouse.log import find_log, name_of, versions_in
from lakehouse.table import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The newest file of a log that tells of a version; under another `identity` it is another one. No name: no table."""

    name: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Where a log ends now, and the first and last version that were not there at the look before; None: nothing is new."""

    end: End
    newer: tuple[int, int] | None = None


def follow(files: Files, location: Location, seen: End | None) -> Tail:
    """What a log has that was not seen.

    Of a table that was dropped and made again all is new, whatever its versions are. Only such a table, and one that was
    never seen, is listed from its beginning.
    """
    folder = location.child("_delta_log")
    if seen is not None and seen.name:
        identity, names = files.since(folder, seen.name)
        if identity and identity == seen.identity:
            later = versions_in(names)
            if not later:
                return Tail(end=seen)
            return Tail(end=_end(files, folder, name_of(later[-1])), newer=(later[0], later[-1]))
    log = find_log(files, location)
    if log.versions:
        return Tail(end=_end(files, folder, name_of(log.versions[-1])), newer=(log.versions[0], log.versions[-1]))
    if log.ground is not None:
        newest = log.ground.version
        return Tail(end=_end(files, folder, log.ground.names[-1]), newer=(newest, newest))
    return Tail(end=End())


def _end(files: Files, folder: Location, name: str) -> End:
    # By the same question as at the next look: a store may tell of one file otherwise than in a listing.
    return End(name=name, identity=files.since(folder, name)[0])
