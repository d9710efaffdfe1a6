"""Refusals of signed-in people: each is an event, but a script in a loop cannot flood the journal.

The first refusal of a person at a route in a minute is told at once, with how many there were since
the one told before. The counts are each process's own: a refusal must cost less than a write.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from ..clock import now
from ..contracts import Viewer
from ..db import db, unit_of_work
from ..errors import NotAllowed, StError
from . import events

log = logging.getLogger(__name__)
WINDOW = timedelta(minutes=1)
MOST_KEPT = 10_000
#: Codes of refusals that no honest page or script of ours runs into.
SUSPICIOUS = frozenset({"cross_origin", "csrf_failed"})


class Recent:
    """When each person was last told of at each route, and how many refusals went untold since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: OrderedDict[tuple[int, str], tuple[datetime, int]] = OrderedDict()

    def count(self, key: tuple[int, str]) -> int | None:
        """Count a refusal; return how many went untold when this one is to be told, else None."""
        moment = now()
        with self._lock:
            begun, untold = self._told.get(key, (None, 0))
            if begun is not None and moment - begun < WINDOW:
                self._told[key] = (begun, untold + 1)
                return None
            self._told[key] = (moment, 0)
            self._told.move_to_end(key)
            while len(self._told) > MOST_KEPT:
                self._told.popitem(last=False)
        return untold


def record(viewer: Viewer, method: str, route: str, refusal: NotAllowed) -> None:
    """Command: tell of a refusal, in a unit of work of its own, unless one was told just now.

    `route` is the rule, never the path: a path may hold what is secret. A record that cannot be
    written does not turn a refusal into something else.
    """
    recent: Recent = current_app.extensions.setdefault("st_refusals", Recent())
    untold = recent.count((viewer.user_id, f"{method} {route} {refusal.code}"))
    if untold is None:
        return
    name = "suspicious" if refusal.code in SUSPICIOUS else "permission_denied"
    data = {"method": method, "code": refusal.code, "via": viewer.via, "untold_before": untold}
    try:
        db.session.rollback()  # whatever the refused request had begun
        with unit_of_work():
            events.emit(
                f"security.{name}",
                subject=("route", route),
                owner_id=viewer.user_id,
                data={**data, **refusal.details},
                message=refusal.detail,
            )
    except (StError, SQLAlchemyError):
        log.exception("a refusal of %s at %s could not be recorded", viewer.username, route)
