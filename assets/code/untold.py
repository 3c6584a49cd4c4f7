"""What the text of the code does not tell."""


class Untold(Exception):
    """Something whose meaning cannot be read from the code, and the place that uses it, as `file:line`.

    It never leaves this package: an author is told of it as an option that is missing.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason, place)
        self.reason, self.place = reason, place
