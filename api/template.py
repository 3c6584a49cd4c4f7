"""The path of a request as its route spells it."""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

_UNMATCHED = "unmatched"


class Templates:
    """The templates of an application's paths; one that no route knows is `unmatched`, so that a stranger makes no new one."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = routes
        self._plain = {path for path in map(_path_of, routes) if "{" not in path}

    def of(self, scope: Scope) -> str:
        """The template of one request's path."""
        if scope["path"] in self._plain:
            return str(scope["path"])
        matching = (_path_of(route) for route in self._routes if route.matches(scope)[0] is not Match.NONE)
        return next(matching, _UNMATCHED)


def _path_of(route: BaseRoute) -> str:
    return str(getattr(route, "path", _UNMATCHED))
