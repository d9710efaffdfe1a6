"""Boot at the first request, where no command of ours did: `flask run`, or another WSGI server."""

from __future__ import annotations

import atexit
import logging
import threading

from flask import Flask, request

from ..boot import boot, shut_down
from ..errors import StError, Unavailable
from .routing import ALWAYS, declared_for

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Let `app` migrate and start its services before it answers, unless it has been booted."""
    deployment, once = app.extensions["st"], threading.Lock()

    def boot_first() -> None:
        if deployment.booted:
            return
        with once:
            if not deployment.booted:
                _boot(app)

    app.before_request(boot_first)


def _boot(app: Flask) -> None:
    """Boot, or tell why not; health answers all the same, and the next request tries again.

    Raises Unavailable.
    """
    try:
        boot(app)
    except StError as error:
        log.error("the server cannot start: %s", error.detail)
        declared = declared_for(request.endpoint) if request.endpoint else None
        if declared is None or declared.permission != ALWAYS:
            raise Unavailable(error.detail, code=error.code) from error
    else:
        atexit.register(shut_down, app)
