"""Which table, and which version of it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TableVersion:
    """One version of one table.

    A table that was dropped and made again starts at version 0 under another `table_id`: it is another table.
    """

    table_id: str
    version: int

    def __str__(self) -> str:
        return f"v{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A folder on disk or under an `s3://` address, where tables are kept.

    >>> Location(uri="s3://bucket/lake").child("gold", "iris").uri
    's3://bucket/lake/gold/iris'
    """

    uri: str

    @property
    def is_s3(self) -> bool:
        """Whether an object store holds it."""
        return self.uri.startswith("s3://")

    @property
    def spark_uri(self) -> str:
        """The same place as Spark spells it."""
        return re.sub(r"^s3://", "s3a://", self.uri)

    def child(self, *names: str) -> "Location":
        """The folder below it."""
        return Location(uri="/".join((self.uri.rstrip("/"), *names)))

    def __str__(self) -> str:
        return self.uri
