"""What tests of people share: the events they caused, and threads that begin together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from st_core.db import db
from st_core.errors import StError
from st_core.models import Event


def events_since(app: Flask, number: int = 0) -> list[Event]:
    """Return the journal's events after `number`, oldest first."""
    with app.app_context():
        return list(db.session.scalars(select(Event).where(Event.id > number).order_by(Event.id)))


def last_event(app: Flask) -> int:
    """Return the number of the newest event."""
    with app.app_context():
        return db.session.scalar(select(func.max(Event.id))) or 0


def caused(app: Flask, act: Callable[[], Any]) -> list[Event]:
    """Return the events that `act` causes."""
    before = last_event(app)
    act()
    return events_since(app, before)


def at_once(app: Flask, acts: Sequence[Callable[[], Any]]) -> list[str]:
    """Run commands in threads that begin together; return `done` or the error's code for each."""
    start, outcomes = threading.Barrier(len(acts)), [""] * len(acts)

    def run(place: int) -> None:
        with app.app_context():
            start.wait()
            try:
                acts[place]()
                outcomes[place] = "done"
            except StError as error:
                outcomes[place] = error.code

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes
