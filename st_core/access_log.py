"""One log line per request: who asked for what, the status, and how long it took.

Requests that only read are told at level debug unless they fail with 5xx, everything else at info;
the query string is never written, because people put secrets there.
"""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

log = logging.getLogger(__name__)
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask) -> None:
    """Log every request of `app` once it is answered."""
    app.before_request(_begin)
    app.after_request(_tell)


def _begin() -> None:
    g.st_began = time.perf_counter()


def _tell(response: Response) -> Response:
    quiet = request.method in READING and response.status_code < 500
    level = logging.DEBUG if quiet else logging.INFO
    if log.isEnabledFor(level):
        milliseconds = round((time.perf_counter() - g.st_began) * 1000, 1)
        viewer = g.get("st_viewer")
        facts = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "milliseconds": milliseconds,
            "username": viewer.username if viewer else "",
            "address": request.remote_addr or "",
        }
        words = (request.method, request.path, response.status_code, milliseconds)
        log.log(level, "%s %s %d %.1f ms", *words, extra=facts)
    return response
