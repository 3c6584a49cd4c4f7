"""Listing and reading the small files of a lake, on disk or in an object store, without an engine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lakehouse.errors import StoreUnreachable
from lakehouse.settings import LakeSettings
from lakehouse.table import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a listing says of a file; `changed` in seconds since 1970."""

    size: int
    changed: float


class Files(Protocol):
    """What a log is read with."""

    def names(self, folder: Location) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        ...

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
        ...

    def below(self, folder: Location) -> Mapping[str, FileFacts]:
        """Every file of a folder and of those in it, by its path from there; what is hidden as `_x` or `.x` is not among them."""
        ...


class LocalFiles:
    """Files on this machine's disk."""

    def names(self, folder: Location) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        try:
            return sorted(entry.name for entry in Path(folder.uri).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreUnreachable(folder.uri, str(error)) from error

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
        try:
            return (Path(folder.uri) / name).read_bytes()
        except OSError as error:
            raise StoreUnreachable(f"{folder.uri}/{name}", str(error)) from error

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
    """Files in an S3 bucket."""

    def __init__(self, settings: LakeSettings) -> None:
        from pyarrow.fs import S3FileSystem

        secret = settings.aws_secret_access_key
        self._store = S3FileSystem(
            access_key=settings.aws_access_key_id,
            secret_key=secret.get_secret_value() if secret else None,
            endpoint_override=settings.aws_endpoint_url,
            region=settings.aws_region,
            connect_timeout=5,
            request_timeout=30,
        )

    def names(self, folder: Location) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        from pyarrow.fs import FileSelector

        selector = FileSelector(folder.uri.removeprefix("s3://"), allow_not_found=True)
        try:
            return sorted(info.base_name for info in self._store.get_file_info(selector))
        except OSError as error:
            raise StoreUnreachable(folder.uri, str(error)) from error

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
        path = f"{folder.uri}/{name}"
        try:
            with self._store.open_input_stream(path.removeprefix("s3://")) as stream:
                return bytes(stream.read())
        except OSError as error:
            raise StoreUnreachable(path, str(error)) from error

    def below(self, folder: Location) -> Mapping[str, FileFacts]:
        """Every file of a folder and of those in it, by its path from there."""
        from pyarrow.fs import FileSelector, FileType

        root = folder.uri.removeprefix("s3://")
        try:
            told = self._store.get_file_info(FileSelector(root, allow_not_found=True, recursive=True))
        except OSError as error:
            raise StoreUnreachable(folder.uri, str(error)) from error
        paths = {info.path.removeprefix(f"{root}/"): info for info in told if info.type == FileType.File}
        return {
            path: FileFacts(size=info.size, changed=info.mtime.timestamp())
            for path, info in paths.items()
            if not any(map(_is_hidden, path.split("/")))
        }


def _is_hidden(name: str) -> bool:
    return name.startswith(("_", ".")) and "=" not in name


def files_of(settings: LakeSettings) -> Files:
    """The files of the lake that the settings name."""
    return S3Files(settings) if settings.root.is_s3 else LocalFiles()
