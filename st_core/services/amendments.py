"""Amendments: a job that waits is edited by whoever submitted it, and walks the gates again.

An edit makes another job of it in all but its number: what was reserved is given back, what people
said of it is void, and it queues anew. Its name alone may change without that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..clock import now
from ..contracts import Submission, Viewer
from ..db import db, pass_gate, retried, storable, unit_of_work
from ..errors import Conflict, NotAllowed, Refused
from ..models import Job, JobState
from . import admission, decisions, events, gates, jobs, registries, submission, tasks
from .decisions import Notes
from .gates import Walk

WAITING = (JobState.QUEUED, JobState.PENDING_APPROVAL)


@dataclass(frozen=True)
class Amendment:
    """What to change of a waiting job; None leaves it. `config` takes the whole config's place."""

    name: str | None = None
    config: Mapping[str, Any] | None = None
    hardware: str | None = None
    gpu_count: int | None = None
    time_limit_seconds: int | None = None

    def changes(self) -> dict[str, Any]:
        """Return what is to change beyond the name."""
        names = ("config", "hardware", "gpu_count", "time_limit_seconds")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@retried
def amend(viewer: Viewer, job_id: int | str, amendment: Amendment) -> Job:
    """Edit a waiting job; it passes all gates again, as if submitted now.

    Raises NotFound, NotAllowed for another's job, Conflict once it has started or ended, Refused
    when a gate says no; then the job stays as it was.
    """
    seen = jobs.get(viewer, job_id)
    if seen.user_id != viewer.user_id:
        raise NotAllowed(
            f"Job {seen.id} is not yours. Only whoever submitted a job edits it; cancel it, or ask "
            "them.",
            code="not_the_owner",
        )
    _require_waiting(seen)
    if not amendment.changes():
        return _rename(seen.id, amendment)
    walk = Walk(viewer, _submission(viewer, seen, amendment))
    number, before = seen.id, admission.digest(seen)
    db.session.rollback()  # nothing of the database is held while providers are asked
    with decisions.noting() as notes:
        job = _amend(number, before, walk, amendment, notes)
    tasks.wake("dispatch")
    return job


def _amend(number: int, seen: str, walk: Walk, amendment: Amendment, notes: Notes) -> Job:
    """Command: walk the edited job through the gates; the rest of `amend`."""
    try:
        gates.walk_through(walk, gates.OUTSIDE, to_the_end=False)
        with unit_of_work(gate="submit"):
            pass_gate("dispatch")  # nobody claims it meanwhile
            notes.at = now()
            job = walk.job = jobs.lock(number)
            _require_waiting(job)
            if admission.digest(job) != seen:
                raise Conflict(
                    f"job {number} was edited a moment ago; look at it and edit it again",
                    code="changed_meanwhile",
                )
            _put_back(job, walk.submission, amendment)
            gates.walk_through(walk, gates.BEFORE_INSERT + gates.AFTER_INSERT, to_the_end=False)
            submission.enter(job, walk, event="job.amended")
            decisions.write(notes, "asked" if walk.demands else "admitted", number)
    except Refused as refusal:
        submission.record_refusal(walk.submission, refusal, notes)
        raise
    return job


def _rename(number: int, amendment: Amendment) -> Job:
    """Command: give a waiting job another name."""
    with unit_of_work(gate="dispatch"):
        job = jobs.lock(number)
        _require_waiting(job)
        if amendment.name and amendment.name != job.name:
            before, job.name = job.name, storable(amendment.name, 200)
            events.emit("job.amended", job=job, before={"name": before}, after={"name": job.name})
    return job


def _put_back(job: Job, asked: Submission, amendment: Amendment) -> None:
    """Step: take the job out of where it waits, and let it be what is asked for now."""
    jobs.move(job, JobState.NEW)
    job.name = storable(amendment.name or job.name, 200)
    job.config, job.config_digest = dict(asked.config), jobs.digest(asked.config)
    if amendment.config is not None:
        job.revision_id = None
    job.hardware, job.gpu_count = asked.hardware, asked.gpu_count
    job.time_limit_seconds = asked.time_limit_seconds
    job.estimated_cost_usd = asked.estimate.usd
    job.estimate_basis = asked.estimate.basis[:200]
    db.session.flush()


def _submission(viewer: Viewer, job: Job, amendment: Amendment) -> Submission:
    """Return the submission that the edited job amounts to. Raises NotFound for a trainer that is
    not enabled any more."""
    registries.trainer(job.trainer)
    return Submission(
        viewer=viewer,
        provider=job.provider,
        trainer=job.trainer,
        config=job.config,
        config_name=job.config_name,
        revision_id=job.revision_id,
        org_id=job.org_id,
        team_id=job.team_id,
        hardware=job.hardware,
        gpu_count=job.gpu_count,
        name=amendment.name or job.name,
        start_from_job_id=job.start_from_job_id,
        start_from_checkpoint=job.start_from_checkpoint,
        time_limit_seconds=job.time_limit_seconds,
        max_attempts=job.max_attempts,
        for_approval=any(demand.get("rule") == gates.ASKED for demand in job.demands),
        any_gpu=bool(job.details.get("any_gpu")),
        again_of=job.id,
        details=job.details,
    ).with_(**amendment.changes())


def _require_waiting(job: Job) -> None:
    """Pass while the job waits. Raises Conflict."""
    if job.state not in WAITING:
        raise Conflict(
            f"job {job.id} is {job.state.value}; only a waiting job can be edited",
            code="invalid_job_state",
        )
