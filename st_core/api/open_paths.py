"""`auth.bypass_paths`: what an administrator opens to callers without any credential.

Health and metrics only, GET only. A path opens the routes at and below it, by whole segments; what
is compared is the route that will answer, not the path as it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Request

from ..errors import ConfigError
from ..services import settings

KEY = "auth.bypass_paths"
#: What may be opened.
OPENABLE = (
    "/health",
    "/api/cloud/health",
    "/api/metrics/health",
    "/api/cloud/metrics/prometheus",
    "/api/metrics/prometheus",
)


def check(paths: Sequence[str]) -> None:
    """Refuse a path that is neither health nor metrics. Raises ConfigError naming it."""
    for path in paths:
        if path != _plain(path) or not any(_covers(each, path) for each in OPENABLE):
            raise ConfigError(
                f"{KEY}: {path!r} cannot be opened; only health and metrics can: "
                f"{', '.join(OPENABLE)}."
            )


def is_open(request: Request) -> bool:
    """Tell whether the administrator opened the route that answers this request."""
    if request.method != "GET" or request.url_rule is None:
        return False
    paths: Sequence[str] = settings.value(KEY)
    return any(_covers(path, request.url_rule.rule) for path in paths)


def _covers(path: str, other: str) -> bool:
    return other == path or other.startswith(f"{path}/")


def _plain(path: str) -> str:
    """Return `path` as its segments alone spell it: no empty one, no dots, nothing encoded."""
    words = [word for word in path.split("/") if word.strip(".") and word.isascii()]
    return "/" + "/".join(word for word in words if not set(word) & set("%?#*\\ ;<>"))
