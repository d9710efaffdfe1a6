"""Intake: the row of a new job, made of its submission."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import insert as insert_into
from sqlalchemy import select
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import manager_of_class

from ..clock import now
from ..contracts import Submission
from ..db import db, storable, table_of, writing
from ..errors import NotFound
from ..models import Job, JobState, Org, Revision, Team
from .job_fields import queue_priority
from .jobs import digest

_JOBS = table_of(Job)
#: A statement made once takes half the time of an object that is flushed.
_INSERT = insert_into(_JOBS).returning(_JOBS.c.id)
_JOB = manager_of_class(Job)
_BLANK: dict[str, Any] = {column.name: None for column in _JOBS.columns if column.name != "id"} | {
    "state": JobState.NEW,
    "devices": [],
    "requires_approval": False,
    "demands": [],
    "preemptible": False,
    "attempt": 0,
}


def insert(submission: Submission) -> Job:
    """Step: insert the job of a submission in state NEW; it has an id afterwards."""
    connection = writing()
    viewer = submission.viewer
    priority = queue_priority(viewer.priority)
    override = submission.priority_override
    values = _BLANK | dict(
        key=uuid.uuid4().hex,
        name=storable(submission.name or submission.config_name, 200),
        user_id=viewer.user_id,
        org_id=_still_there(Org, submission.org_id),
        team_id=_still_there(Team, submission.team_id),
        provider=submission.provider,
        trainer=submission.trainer,
        hardware=submission.hardware,
        gpu_count=submission.gpu_count,
        config_name=storable(submission.config_name, 100),
        revision_id=_still_there(Revision, submission.revision_id),
        config=dict(submission.config),
        config_digest=digest(submission.config),
        details={
            **submission.details,
            "no_wait": submission.no_wait,
            "any_gpu": submission.any_gpu,
        },
        start_from_job_id=_source(submission.start_from_job_id),
        start_from_checkpoint=submission.start_from_checkpoint,
        idempotency_key=submission.idempotency_key,
        priority=priority,
        priority_override=override,
        effective_priority=priority if override is None else override,
        bypasses_queue=submission.bypass_queue,
        max_attempts=submission.max_attempts or 3,
        time_limit_seconds=submission.time_limit_seconds,
        estimated_cost_usd=submission.estimate.usd,
        estimate_basis=submission.estimate.basis[:200],
        created_at=now(),
    )
    values["id"] = connection.execute(_INSERT, values).scalar_one()
    return _as_row(values)


def _as_row(values: dict[str, Any]) -> Job:
    """Step: return the job just inserted with these values, as if it had been read back."""
    job: Job = _JOB.new_instance()  # by the constructor each value would count as changed
    vars(job).update(values)
    make_transient_to_detached(job)
    db.session.add(job)
    return job


def _still_there(model: type[Any], row_id: int | None) -> int | None:
    """Step: return the id if its row is there still; it cannot go before the unit of work ends."""
    if row_id is None:
        return None
    query = select(model.id).where(model.id == row_id)
    return db.session.scalar(query.with_for_update(read=True, key_share=True))


def _source(job_id: int | None) -> int | None:
    """Step: return the job to start from. Raises NotFound when it was deleted meanwhile."""
    if job_id is not None and _still_there(Job, job_id) is None:
        raise NotFound(f"job {job_id} to start from was deleted", code="job_not_found")
    return job_id
