"""What is not to be known of the features in the log: some are hashed with a key, some are left out."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from api.log.settings import LogSettings

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """What is not to be known of the features; `key` has 64 bytes at most.

    A model has to take every feature that is `named`: where it does not, a name may be misspelled, and nobody can say which
    of its features was meant.
    """

    left_out: frozenset[str] = frozenset()
    hashed: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    key: bytes = b""

    @classmethod
    def of(cls, settings: LogSettings) -> "Privacy":
        """What the settings say."""
        key = hashlib.blake2b(settings.key).digest()  # a secret may be longer than a key
        return cls(
            left_out=settings.left_out_names,
            hashed=settings.hashed_names,
            named=settings.names_of_every_model,
            key=key,
        )

    @property
    def hides(self) -> bool:
        """Whether anything is not to be known."""
        return bool(self.left_out or self.hashed)

    def missing(self, known: Collection[str]) -> tuple[str, ...]:
        """The names that are no feature of a model that takes these.

        >>> Privacy(named=frozenset({"custmer", "age"})).missing(["customer", "age"])
        ('custmer',)
        """
        return tuple(sorted(self.named.difference(known)))

    def parted(
        self, features: Mapping[str, object], known: Collection[str]
    ) -> tuple[dict[str, object], dict[str, str | None]]:
        """What may stand in the log as it is, and the hashes; neither, where a name is missing among what is known."""
        if self.missing(known or features):
            return {}, {}
        hidden = self.left_out | self.hashed
        hashes = {name: self.hash(name, value) for name, value in features.items() if name in self.hashed}
        return {name: value for name, value in features.items() if name not in hidden}, hashes

    def hash(self, name: str, value: object) -> str | None:
        """The same for the same value of a feature, and different for each feature and key; a value that is missing stays so.

        >>> privacy = Privacy(key=b"a secret")
        >>> privacy.hash("id", 7) == privacy.hash("id", 7.0) != privacy.hash("name", 7)
        True
        """
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        told = f"{name}\0{value}".encode(errors="surrogatepass")
        return hashlib.blake2b(told, key=self.key, digest_size=_DIGEST_BYTES).hexdigest()
