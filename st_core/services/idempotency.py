"""Idempotency: a submission that is sent again with its key is answered with the same job."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from ..clock import now
from ..contracts import Viewer
from ..db import db
from ..models import Job
from .drafts import Draft

KEPT_HOURS = 24


def earlier(viewer: Viewer, draft: Draft, *, release_old: bool = False) -> Job | None:
    """Return the submitter's job under this idempotency key, unless it is older than a day.

    With `release_old` (inside the unit of work) an older job gives the key up.
    """
    if not draft.idempotency_key:
        return None
    job = db.session.scalar(
        select(Job).where(
            Job.user_id == viewer.user_id, Job.idempotency_key == draft.idempotency_key
        )
    )
    if job is None or job.created_at > now() - timedelta(hours=KEPT_HOURS):
        return job
    if release_old:
        job.idempotency_key = None
        db.session.flush()
    return None
