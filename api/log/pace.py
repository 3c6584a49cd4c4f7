"""How often the log is committed: every few seconds while much comes, seldom while little does, soon after a silence."""

from dataclasses import dataclass, replace

MANY_ROWS = 1000
"""So many rows are worth a commit, and a file in the lake, of their own."""
MANY_BYTES = 128 << 10
"""About so much of the spool do they take."""
BATCH_BYTES = 16 << 20
"""What one commit should have at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What lies between two commits: never less than `shortest`, but for a full batch, and `pause` while little waits."""

    shortest: float
    longest: float
    pause: float
    silent: float = 0.0

    @classmethod
    def between(cls, shortest: float, longest: float) -> "Pace":
        """The pace at the start."""
        return cls(shortest=shortest, longest=max(shortest, longest), pause=shortest)

    def is_due(self, waited: float, waiting_bytes: int) -> bool:
        """Whether it is time for a commit, so many seconds after the last one."""
        if waiting_bytes >= BATCH_BYTES or waited >= self.pause:
            return True
        return waiting_bytes >= MANY_BYTES and waited >= self.shortest

    def after(self, rows: int, waited: float) -> "Pace":
        """The pace after a commit of so many rows, or of none.

        >>> slow = Pace.between(5, 60)
        >>> [(slow := slow.after(rows, 5)).pause for rows in (1, 1, 1, 1, 1, 1000)]
        [10, 20, 40, 60, 60, 5]
        """
        if not rows:
            silent = self.silent + waited
            return replace(self, silent=silent, pause=self.shortest if silent >= self.longest else self.pause)
        return replace(
            self, silent=0.0, pause=self.shortest if rows >= MANY_ROWS else min(2 * self.pause, self.longest)
        )
