"""Which landed files a commit took in, as its stamp tells."""

from collections.abc import Iterable, Mapping

from lakehouse.landing import LandedFile
from lakehouse.stamp import InputVersion, Stamp

Taken = dict[str, dict[str, LandedFile]]
"""Landed files by the input that they were taken in through, and by content."""

FILES = "files"
"""The table id of an input that is files; its version counts the different contents that were ever seen."""


def files_in(read: InputVersion) -> dict[str, LandedFile]:
    """The files that an input's version stands for, by content; what is told of a file and cannot be is passed over."""
    told = read.extra.get("files")
    if read.table != FILES or not isinstance(told, dict):
        return {}
    return {content: file for content, about in told.items() if (file := _file(content, about)) is not None}


def rejected_in(read: InputVersion) -> Mapping[str, str]:
    """The contents that were set aside, and why."""
    rejected = read.extra.get("rejected")
    return rejected if isinstance(rejected, dict) else {}


def taken_files(stamps: Iterable[Stamp | None], key: str, *, with_rejected: bool = True) -> Taken:
    """The files that an asset's own stamps say were taken in or set aside, by content, for each input."""
    files: Taken = {}
    for stamp in stamps:
        if stamp is not None and stamp.asset == key:
            for name, read in stamp.inputs.items():
                if found := files_in(read):
                    rejected = () if with_rejected else rejected_in(read)
                    files.setdefault(name, {}).update((c, file) for c, file in found.items() if c not in rejected)
    return files


def files_of_all(by_input: Mapping[str, Mapping[str, LandedFile]]) -> dict[str, LandedFile]:
    """The files of all inputs together."""
    return {content: file for files in by_input.values() for content, file in files.items()}


def _file(content: str, about: object) -> LandedFile | None:
    if not isinstance(about, dict):
        return None
    name, size, changed = about.get("name"), about.get("size"), about.get("changed")
    if not isinstance(name, str) or not isinstance(size, int) or not isinstance(changed, int):
        return None
    return LandedFile(name=name, content=content, size=size, changed=changed)
