"""Files of both worlds, each reached where its address says."""

from collections.abc import Iterator, Mapping, Sequence

from lakehouse.files import FileFacts, Files, LocalFiles, S3Files
from lakehouse.settings import LakeSettings
from lakehouse.table import Location


class FilesAnywhere:
    """Files on disk and in S3 buckets: a lake in one of them may read tables of others in the other."""

    def __init__(self, settings: LakeSettings) -> None:
        self._local, self._s3 = LocalFiles(), S3Files(settings)

    def names(self, folder: Location, *, with_folders: bool = True) -> list[str]:
        """The names of what lies in a folder, sorted; empty where there is no such folder."""
        return self._of(folder).names(folder, with_folders=with_folders)

    def since(self, folder: Location, name: str) -> tuple[str, list[str]]:
        """The identity of a file, empty where it is not there, and the sorted names of the files after it."""
        return self._of(folder).since(folder, name)

    def identity(self, folder: Location, name: str) -> str:
        """What is another for any other content under the same name; empty where there is no such file."""
        return self._of(folder).identity(folder, name)

    def read(self, folder: Location, name: str) -> bytes:
        """The whole of one file."""
        return self._of(folder).read(folder, name)

    def read_each(self, folder: Location, names: Sequence[str]) -> Iterator[bytes]:
        """The whole of several files, in their order."""
        return self._of(folder).read_each(folder, names)

    def below(self, folder: Location) -> Mapping[str, FileFacts]:
        """Every file of a folder and of those in it, by its path from there."""
        return self._of(folder).below(folder)

    def _of(self, folder: Location) -> Files:
        return self._s3 if folder.is_s3 else self._local
