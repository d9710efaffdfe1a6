"""Retrying: an ended job goes on as a new attempt of itself, through the same gates."""

from __future__ import annotations

from ..clock import now
from ..contracts import Submission, Viewer
from ..db import retried, unit_of_work
from ..errors import Conflict, Refused, SubmissionInvalid
from ..models import Job, JobState
from ..models.states import MOVES
from . import decisions, gates, jobs, registries, starting_points, submission, tasks
from .decisions import Notes
from .gates import Walk


@retried
def retry(
    viewer: Viewer, job_id: int | str, *, checkpoint: str | None = None, fresh: bool = False
) -> Job:
    """Command: put a failed or cancelled job into the queue again, as a new attempt of the same
    job.

    It goes on from its last complete checkpoint, from the named one, or from the beginning when
    `fresh`. Raises Conflict when it has not ended that way, Refused when a gate says no now.
    """
    seen = jobs.get(viewer, job_id)
    jobs.require_on(viewer, seen, "job.cancel")
    resume_from = None if fresh else starting_points.to_resume(seen, checkpoint)
    if resume_from is None and seen.start_from_job_id is not None:
        jobs.get(viewer, seen.start_from_job_id)  # it begins at that job's checkpoint once more
    walk = Walk(viewer, _again(viewer, seen))
    with decisions.noting() as notes:
        job = _retry(seen.id, walk, resume_from, notes)
    tasks.wake("dispatch")
    return job


def _retry(number: int, walk: Walk, resume_from: str | None, notes: Notes) -> Job:
    """Command: walk a retry through the gates; the rest of `retry`."""
    try:
        gates.walk_through(walk, gates.OUTSIDE, to_the_end=False)
        with unit_of_work(gate="submit"):
            job = walk.job = jobs.lock(number)
            if JobState.QUEUED not in MOVES[job.state] or not job.state.is_final:
                raise Conflict(
                    f"job {job.id} is {job.state.value}; only a failed or cancelled one can be "
                    "retried",
                    code="invalid_job_state",
                )
            notes.at = now()
            gates.walk_through(walk, gates.BEFORE_INSERT + gates.AFTER_INSERT, to_the_end=False)
            job.resume_from = resume_from
            job.max_attempts = max(job.max_attempts, job.attempt + 1)
            submission.enter(job, walk, event="job.requeued")
            decisions.write(notes, "asked" if walk.demands else "admitted", job.id)
    except Refused as refusal:
        submission.record_refusal(walk.submission, refusal, notes)
        raise
    return job


def _again(viewer: Viewer, job: Job) -> Submission:
    """Return the submission that a retry of `job` amounts to."""
    if job.trainer not in registries.trainers():
        raise SubmissionInvalid(
            f"the trainer {job.trainer!r} of job {job.id} is not enabled any more"
        )
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
        name=job.name,
        time_limit_seconds=job.time_limit_seconds,
        any_gpu=bool(job.details.get("any_gpu")),
        again_of=job.id,
        details=job.details,
    )
