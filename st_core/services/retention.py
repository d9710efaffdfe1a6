"""Old jobs: delete the records and workspaces of those that ended long ago, never one that has
not ended."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from ..clock import now
from ..contracts import Viewer
from ..db import db, unit_of_work
from ..models import Job
from ..models.states import FINAL
from . import events, workspaces
from .jobs import visible_to

BATCH = 200


def delete_ended(older_than_days: int, viewer: Viewer | None = None) -> int:
    """Delete every job that ended more than `older_than_days` days ago and that `viewer` may see,
    if one is given; return how many."""
    before = now() - timedelta(days=older_than_days)
    old = select(Job.id).where(Job.state.in_(FINAL), Job.completed_at < before).order_by(Job.id)
    if viewer is not None:
        old = old.where(visible_to(viewer))
    deleted = 0
    while found := list(db.session.scalars(old.limit(BATCH))):
        deleted += sum(_delete(job_id) for job_id in found)
    return deleted


def _delete(job_id: int) -> bool:
    """Command: delete one job if it is still there and ended (a retry revives one); tell
    whether."""
    with unit_of_work(gate="dispatch"):
        job = db.session.get(Job, job_id, with_for_update=True, populate_existing=True)
        if job is None or not job.state.is_final:
            return False
        folder = workspaces.of(job)
        events.emit("job.deleted", job=job, before={"name": job.name, "status": job.state.value})
        db.session.delete(job)
    workspaces.remove(folder)
    return True
