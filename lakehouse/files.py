"""Listing and reading the small files of a lake, on disk or in an object store, without an engine."""

from pathlib import Path
from typing import Protocol

from lakehouse.errors import StoreUnreachable
from lakehouse.settings import LakeSettings
from lakehouse.table import Location


class Files(Protocol):
    """What a log is read with."""

    def names(self, folder: Location) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        ...

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
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


def files_of(settings: LakeSettings) -> Files:
    """The files of the lake that the settings name."""
    return S3Files(settings) if settings.root.is_s3 else LocalFiles()
