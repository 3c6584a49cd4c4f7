"""Why a request is not let in; `api.problem` tells how it is answered over HTTP.

RequestRefused (api.errors)
├── TokenWanted        a request without a token where one is wanted
├── TokenUnknown       a token that is not accepted
├── TokenTooWeak       a token for predictions where one for operators is wanted
└── TooManyRequests    more requests than one sender may send
"""

from api.errors import RequestRefused


class TokenWanted(RequestRefused):
    """A request without a token where one is wanted."""

    def __str__(self) -> str:
        return "the request shows no token; send one with 'authorization: Bearer TOKEN'"


class TokenUnknown(RequestRefused):
    """A token that is not accepted."""

    def __str__(self) -> str:
        return "the token of the request is not accepted here; ask whoever runs this server for one"


class TokenTooWeak(RequestRefused):
    """A token for predictions where one for operators is wanted."""

    def __str__(self) -> str:
        return "the token is one for predictions; send one of those for operators"


class TooManyRequests(RequestRefused):
    """More requests than one sender may send."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds

    def __str__(self) -> str:
        return f"these are more requests than one sender may send; wait {self.wait_seconds} seconds"
