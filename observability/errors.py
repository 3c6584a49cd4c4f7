"""Every error that leaves the observability room.

PlatformError
└── Transient
    └── PushFailed           the Pushgateway did not take what was measured
"""

from lakehouse.errors import Transient


class PushFailed(Transient):
    """The Pushgateway did not take what was measured; the measurement itself is kept."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address, self.reason = address, reason

    def __str__(self) -> str:
        return (
            f"what was measured is kept in the lake, but {self.address!r} did not take it: {self.reason}; "
            "is PUSHGATEWAY_URL a Pushgateway that answers? then measure again, which pushes it again"
        )
