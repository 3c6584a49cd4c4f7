"""The tokens that are accepted; several at once, so that one takes another's place without a gap."""

import logging
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path

from api.door.settings import tokens_in
from lakehouse.errors import BadSetting

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0


class Tokens:
    """Tokens of one kind: those that are given, and those of a file, which is read again when it has changed.

    A file that has become empty or unreadable changes nothing: what it held last goes on, and the log says so.
    """

    def __init__(
        self,
        given: Sequence[str],
        file: Path | None = None,
        *,
        setting: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._given, self._file, self._setting, self._clock = tuple(map(_digest, given)), file, setting, clock
        self._seen: tuple[int, int, int] | None = None
        self._looked_at = clock()
        self._held: tuple[bytes, ...] = ()
        if file is not None:
            self._seen = _state(file)
            self._held = _read(file, setting)

    @property
    def are_wanted(self) -> bool:
        """Whether there are any; where there are none, none has to be shown."""
        return bool(self._given) or self._file is not None

    def known(self, token: bytes) -> bytes | None:
        """The digest of a token that is accepted; the time it takes tells nothing of those that are."""
        self._look()
        found, digest = False, _digest(token)
        for held in (*self._given, *self._held):
            found |= compare_digest(held, digest)
        return digest if found else None

    def _look(self) -> None:
        now = self._clock()
        if self._file is None or now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        if (seen := _state(self._file)) == self._seen:
            return
        self._seen = seen
        try:
            self._held = _read(self._file, self._setting)
            _log.info("%s was read again; it holds %s tokens", self._file, len(self._held))
        except BadSetting as error:
            _log.error("the tokens stay what they were: %s", error)


def _read(file: Path, setting: str) -> tuple[bytes, ...]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadSetting(setting, str(file), f"wanted a file of tokens, one a line: {error}") from error
    tokens = tokens_in(text, setting, separator=None)
    if not tokens:
        raise BadSetting(setting, str(file), "wanted a token in it, one a line")
    return tuple(map(_digest, tokens))


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _digest(token: str | bytes) -> bytes:
    return blake2b(token if isinstance(token, bytes) else token.encode(), digest_size=32).digest()
