"""Ask providers for news ahead of time: attempts are made due, the watcher does the asking."""

from __future__ import annotations

from sqlalchemy import select, update

from ..clock import now
from ..contracts import Viewer
from ..db import db, unit_of_work
from ..models import Attempt, Job
from . import tasks
from .jobs import visible_to


def ask_providers(viewer: Viewer) -> int:
    """Command: let every running attempt the viewer may see be asked about now; return how many."""
    seen = select(Job.id).where(visible_to(viewer))
    with unit_of_work():
        found = db.session.execute(
            update(Attempt)
            .where(
                Attempt.ended_at.is_(None),
                Attempt.provider_state.is_not(None),
                Attempt.job_id.in_(seen),
            )
            .values(next_poll_at=now())
        )
    tasks.wake("watch")
    return int(found.rowcount)  # type: ignore[attr-defined]
