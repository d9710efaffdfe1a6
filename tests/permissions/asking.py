"""Ask a route as somebody, and tell whether the guard let the request through."""

from __future__ import annotations

import re
from typing import Any

from .callers import Calling
from .expected import Route

#: What stands for the variables of a path: nothing that exists, so that nothing happens.
NOTHING = {"id": "999999", "number": "999999"}


def is_right(caller: Calling, route: Route) -> bool:
    """Tell whether the caller passes or is refused as expected."""
    return passes(caller, route) == route.lets(caller.who)


def passes(caller: Calling, route: Route, path: str | None = None) -> bool:
    """Tell whether the caller gets past the guards of a route."""
    answer = send(caller, route.method, path or filled(route.path))
    if answer.status_code in (302, 303):
        return not answer.headers["Location"].startswith("/login?next=")
    return answer.status_code not in (401, 403)


def send(caller: Calling, method: str, path: str) -> Any:
    """Send the emptiest request there is; a stream is closed at once."""
    body = {} if method == "GET" else {"json": {}}
    answer = caller.client.open(path, method=method, **body)
    answer.close()
    return answer


def filled(path: str) -> str:
    """Return a path with something in the place of each variable that does not exist."""

    def put(match: re.Match[str]) -> str:
        ending = match[1].rsplit("_", 1)[-1]
        return NOTHING.get(ending, "nothing-here")

    return re.sub(r"{(\w+)}", put, path)
