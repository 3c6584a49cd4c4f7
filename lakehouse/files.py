"""Listing and reading the small files of a lake, on disk or in an object store, without an engine."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lakehouse.errors import StoreUnreachable
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

_CHUNK = 1 << 18
AT_ONCE = 16
"""How many requests an object store is asked at one time; each of them waits more than it works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a listing says of a file; `changed` in seconds since 1970."""

    size: int
    changed: float


class Files(Protocol):
    """What a log is read with."""

    def names(self, folder: Location, *, with_folders: bool = True) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        ...

    def since(self, folder: Location, name: str) -> tuple[str, list[str]]:
        """The identity of a file, empty where it is not there, and the sorted names of the files after it; one request."""
        ...

    def identity(self, folder: Location, name: str) -> str:
        """What is another for any other content under the same name; empty where there is no such file."""
        ...

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
        ...

    def read_each(self, folder: Location, names: Sequence[str]) -> Iterator[bytes]:
        """The whole of several files, in their order."""
        ...

    def below(self, folder: Location) -> Mapping[str, FileFacts]:
        """Every file of a folder and of those in it, by its path from there; what is hidden as `_x` or `.x` is not among them."""
        ...


class LocalFiles:
    """Files on this machine's disk."""

    def names(self, folder: Location, *, with_folders: bool = True) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        try:
            with os.scandir(folder.uri) as entries:
                return sorted([entry.name for entry in entries if with_folders or not entry.is_dir()])
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreUnreachable(folder.uri, str(error)) from error

    def since(self, folder: Location, name: str) -> tuple[str, list[str]]:
        """The identity of a file, empty where it is not there, and the sorted names of the files after it."""
        names = self.names(folder, with_folders=False)
        return self.identity(folder, name), [other for other in names if other > name]

    def identity(self, folder: Location, name: str) -> str:
        """What is another for any other content under the same name; empty where there is no such file."""
        try:
            found = Path(folder.uri, name).stat()
        except OSError:
            return ""
        return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
        path = f"{folder.uri}/{name}"
        try:
            return _whole(path)
        except OSError as error:
            raise StoreUnreachable(path, str(error)) from error

    def read_each(self, folder: Location, names: Sequence[str]) -> Iterator[bytes]:
        """The whole of several files, in their order."""
        return (self.read(folder, name) for name in names)

    def below(self, folder: Location) -> Mapping[str, FileFacts]:
        """Every file of a folder and of those in it, by its path from there."""
        root, found = Path(folder.uri), {}
        for place, folders, names in os.walk(root):
            folders[:] = [name for name in folders if not _is_hidden(name)]
            for name in names:
                if not _is_hidden(name):
                    path = Path(place) / name
                    try:
                        told = path.stat()
                    except FileNotFoundError:
                        continue  # somebody else removed it meanwhile
                    except OSError as error:
                        raise StoreUnreachable(str(path), str(error)) from error
                    found[path.relative_to(root).as_posix()] = FileFacts(size=told.st_size, changed=told.st_mtime)
        return found


class S3Files:
    """Files in S3 buckets."""

    def __init__(self, settings: LakeSettings) -> None:
        self._settings = settings
        self._stores: dict[str, S3Store] = {}

    def names(self, folder: Location, *, with_folders: bool = True) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        store, prefix = self._place(folder)
        with _told(folder.uri):
            found = store.list_with_delimiter(f"{prefix}/")
        folders = found["common_prefixes"] if with_folders else ()
        paths = (*folders, *(item["path"] for item in found["objects"]))
        return sorted(path.rpartition("/")[2] for path in paths)

    def since(self, folder: Location, name: str) -> tuple[str, list[str]]:
        """The identity of a file, empty where it is not there, and the sorted names of the files after it; one request."""
        store, prefix = self._place(folder)
        just_before = (
            f"{prefix}/{name[:-1]}"  # S3 tells of what is greater than this, and the file itself should be told of
        )
        items: dict[str, ObjectMeta] = {}
        with _told(folder.uri):
            for chunk in store.list(f"{prefix}/", offset=just_before, chunk_size=1000):
                items.update({item["path"][len(prefix) + 1 :]: item for item in chunk})
        known = items.get(name)
        return _identity(known) if known else "", sorted(n for n in items if n > name and "/" not in n)

    def identity(self, folder: Location, name: str) -> str:
        """What is another for any other content under the same name; empty where there is no such file."""
        store, prefix = self._place(folder)
        try:
            with _told(f"{folder.uri}/{name}"):
                return _identity(store.head(f"{prefix}/{name}"))
        except StoreUnreachable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return ""
            raise

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
        store, prefix = self._place(folder)
        with _told(f"{folder.uri}/{name}"):
            return bytes(store.get(f"{prefix}/{name}").bytes())

    def read_each(self, folder: Location, names: Sequence[str]) -> Iterator[bytes]:
        """The whole of several files, in their order; some are asked for ahead, and no more than that are held."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for first in range(0, len(names), 4 * AT_ONCE):
                yield from pool.map(lambda name: self.read(folder, name), names[first : first + 4 * AT_ONCE])

    def _place(self, folder: Location) -> tuple["S3Store", str]:
        bucket, _, prefix = folder.uri.removeprefix("s3://").partition("/")
        if bucket not in self._stores:
            self._stores[bucket] = _opened(bucket, self._settings)
        return self._stores[bucket], prefix

    def below(self, folder: Location) -> Mapping[str, FileFacts]:
        """Every file of a folder and of those in it, by its path from there."""
        store, prefix = self._place(folder)
        with _told(folder.uri):
            items = [item for chunk in store.list(f"{prefix}/") for item in chunk]
        paths = {item["path"][len(prefix) + 1 :]: item for item in items}
        return {
            path: FileFacts(size=item["size"], changed=item["last_modified"].timestamp())
            for path, item in paths.items()
            if not any(map(_is_hidden, path.split("/")))
        }


def _is_hidden(name: str) -> bool:
    return name.startswith(("_", ".")) and "=" not in name


def _whole(path: str) -> bytes:
    """A plan of many tables reads a hundred thousand small files: the fewest calls that it takes."""
    file = os.open(path, os.O_RDONLY)
    try:
        data = os.read(file, _CHUNK)
        while len(data) % _CHUNK == 0 and (more := os.read(file, _CHUNK)):
            data += more
        return data
    finally:
        os.close(file)


def _opened(bucket: str, settings: LakeSettings) -> "S3Store":
    from obstore.store import S3Store

    secret = settings.aws_secret_access_key
    told = {
        "access_key_id": settings.aws_access_key_id,
        "secret_access_key": secret.get_secret_value() if secret else None,
        "endpoint": settings.aws_endpoint_url,
        "region": settings.aws_region,
    }
    return S3Store(
        bucket,
        config={name: value for name, value in told.items() if value is not None},  # type: ignore[arg-type]
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=30),
        },
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


def _identity(item: "ObjectMeta") -> str:
    # MinIO tells milliseconds in a listing, and seconds of one file that is asked for.
    return f"{item['size']} {item['last_modified'].isoformat(timespec='seconds')} {item['e_tag']}"


@contextmanager
def _told(place: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise StoreUnreachable(place, _reason(str(error))) from error


def _reason(told: str) -> str:
    """What the store answered, without the request and the pages around it."""
    said = re.search(r" - (.+?)(?:: <.*)?$", told.splitlines()[0])
    code = re.search(r"<Code>(\w+)</Code>", told)
    return " ".join(filter(None, (said[1] if said else told.splitlines()[0], code and f"({code[1]})")))
