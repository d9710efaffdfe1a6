"""The one submission function: admit a training job, or refuse it with the reason.

Words: a *draft* is what somebody asks for, the *submission* is the draft completed, the *admission*
is what came of it. Everything that must be true together is written in one transaction.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import delete, insert

from ..clock import now
from ..contracts import Action, Demand, Submission, Viewer
from ..db import db, retried, table_of, unit_of_work, writing
from ..errors import Refused
from ..failpoints import failpoint
from ..models import Job, JobGate, JobState
from . import (
    config_choice,
    decisions,
    events,
    gates,
    hardware_choice,
    idempotency,
    intake,
    jobs,
    placement,
    queue,
    registries,
    settings,
    starting_points,
    tasks,
)
from .decisions import Notes
from .drafts import Admission, Draft
from .gates import GateResult, Walk

_INSERT_GATES = insert(table_of(JobGate))


class _Rollback(Exception):
    """Ends a dry run's unit of work; nothing it wrote remains."""


@retried
def submit(viewer: Viewer, draft: Draft) -> Admission:
    """Admit one training job, or refuse it with the reason.

    Raises Refused (a gate said no; the refusal is recorded), NotFound for an unknown provider,
    trainer, config or starting point.
    """
    if (earlier := idempotency.earlier(viewer, draft)) is not None:
        return _found_again(earlier)
    with decisions.noting() as notes:
        return _submit(viewer, draft, complete(viewer, draft), notes)


def _submit(viewer: Viewer, draft: Draft, walk: Walk, notes: Notes) -> Admission:
    """Command: walk a completed draft through the gates; the rest of `submit`."""
    db.session.rollback()  # nothing of the database is held while providers are asked
    try:
        gates.walk_through(walk, gates.OUTSIDE, to_the_end=False)
        with unit_of_work(gate="submit"):
            if (earlier := idempotency.earlier(viewer, draft, release_old=True)) is not None:
                return _found_again(earlier)
            notes.at = now()  # what was admitted before counts, whenever this one began
            job = _admit(walk, to_the_end=False)
            decisions.write(notes, "asked" if walk.demands else "admitted", job.id)
            db.session.flush()
            position = queue.position(job)
            db.session.expunge(job)  # it is told as it was written, not read again
            failpoint("submit.before_commit")
    except Refused as refusal:
        record_refusal(walk.submission, refusal, notes)
        raise
    failpoint("submit.after_commit")
    tasks.wake("dispatch")
    return Admission(job, position, verdicts=tuple(walk.verdicts), results=tuple(walk.results))


def dry_run(viewer: Viewer, draft: Draft) -> list[GateResult]:
    """Walk the same gates to the end, write nothing, and return what each would say."""
    walk = complete(viewer, replace(draft, idempotency_key=None))
    walk.dry = True
    with decisions.noting() as notes:
        return _dry_run(walk, notes)


def _dry_run(walk: Walk, notes: Notes) -> list[GateResult]:
    gates.walk_through(walk, gates.OUTSIDE, to_the_end=True)
    if walk.refusal is not None:
        skipped = gates.BEFORE_INSERT + gates.AFTER_INSERT
        return walk.results + [GateResult(gates.TITLES[gate], "todo") for gate in skipped]
    try:
        with unit_of_work(gate="submit"):
            notes.at = now()
            _admit(walk, to_the_end=True)
            raise _Rollback
    except _Rollback:
        return walk.results


def complete(viewer: Viewer, draft: Draft) -> Walk:
    """Return the draft as a submission before its first gate: config loaded and shown to its
    trainer, starting point found.

    Raises NotFound, SubmissionInvalid or Malformed when something it names is not there.
    """
    provider = registries.provider(draft.provider)
    config, trainer, name, revision_id = config_choice.resolve(
        viewer, draft.config, draft.config_to_load, draft.config_name, draft.trainer
    )
    source_id, source_path = starting_points.to_start_from(
        viewer, draft.start_from_job, draft.start_from_checkpoint
    )
    place = placement.of(viewer, draft.team_id)
    runs_it = registries.trainer(trainer)
    checked = runs_it.validate(config)
    hardware, gpu_count = hardware_choice.choose(
        provider, runs_it, checked, draft.hardware, draft.gpu_count
    )
    asked = Submission(
        viewer=viewer,
        provider=provider.name,
        trainer=trainer,
        config=config,
        config_name=name,
        revision_id=revision_id,
        org_id=place.org_id,
        team_id=place.team_id,
        hardware=hardware,
        gpu_count=gpu_count,
        name=draft.name,
        idempotency_key=draft.idempotency_key,
        start_from_job_id=source_id,
        start_from_checkpoint=source_path,
        priority_override=draft.priority,
        time_limit_seconds=draft.time_limit_seconds or settings.value("jobs.time_limit_seconds"),
        max_attempts=draft.max_attempts or settings.value("jobs.max_attempts"),
        for_approval=draft.for_approval,
        no_wait=draft.no_wait,
        any_gpu=draft.any_gpu,
        bypass_queue=draft.bypass_queue,
        details=dict(draft.details),
    )
    return Walk(viewer, asked, checked)


def record_refusal(submission: Submission, refusal: Refused, notes: Notes) -> None:
    """Command: write down that a submission was refused and why, in a unit of work of its own."""
    exceeded = refusal.code == "quota_exceeded"
    refusal.is_recorded = True
    with unit_of_work():
        decisions.write(notes, "refused")
        events.emit(
            "quota.exceeded" if exceeded else "job.refused",
            subject=("submission", submission.config_name),
            owner_id=submission.viewer.user_id,
            team_id=submission.team_id,
            org_id=submission.org_id,
            message=refusal.detail,
            data={
                "code": refusal.code,
                "provider": submission.provider,
                "config_name": submission.config_name,
                **refusal.details,
            },
        )


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def _admit(walk: Walk, *, to_the_end: bool) -> Job:
    """Step: pass the inner gates, insert the job and let it enter."""
    gates.walk_through(walk, gates.BEFORE_INSERT, to_the_end=to_the_end)
    job = walk.job = intake.insert(walk.submission)
    gates.walk_through(walk, gates.AFTER_INSERT, to_the_end=to_the_end)
    if walk.refusal is None:
        enter(job, walk, event="job.submitted")
    return job


def enter(job: Job, walk: Walk, *, event: str) -> None:
    """Step: move the job on, keep what the gates said, and record warnings as events."""
    if job.requires_approval != bool(walk.demands):
        job.requires_approval = bool(walk.demands)
    if walk.demands or job.demands:
        job.demands = [storable_demand(demand) for demand in walk.demands]
    if job.approved_digest is not None:
        job.approved_digest = None
    target = JobState.PENDING_APPROVAL if walk.demands else JobState.QUEUED
    jobs.move(
        job,
        target,
        event=event,
        message=f"{job.name} by {walk.viewer.username}",
        data={"status": target.value, "demands": [demand.reason for demand in walk.demands]},
    )
    if event != "job.submitted":  # also of a job that was cancelled before its first attempt
        db.session.execute(delete(JobGate).where(JobGate.job_id == job.id))
    writing().execute(
        _INSERT_GATES,
        [
            {
                "job_id": job.id,
                "position": position,
                "name": r.name,
                "result": r.result,
                "verdict": r.verdict[:200],
                "text": r.text,
            }
            for position, r in enumerate(walk.results)
        ],
    )
    for verdict in walk.verdicts:
        if verdict.action in (Action.WARN, Action.NOTIFY) and not verdict.told:
            name = "quota.notified" if verdict.action is Action.NOTIFY else "quota.warning"
            events.emit(name, job=job, message=verdict.text, data={"limit": verdict.limit})
    used = {"job.bypass.queue": job.bypasses_queue, "job.bypass.approval": bool(walk.skipped)}
    for right in (right for right, is_used in used.items() if is_used):
        events.emit("job.bypass_used", job=job, message=right, data={"right": right})


def storable_demand(demand: Demand) -> dict[str, Any]:
    """Return a demand as `job.demands` keeps it."""
    ends = demand.expires_at
    return asdict(demand) | {"expires_at": ends.isoformat() if ends else None}


def _found_again(earlier: Job) -> Admission:
    """Return the answer to a submission whose idempotency key was used before."""
    return Admission(earlier, queue.position(earlier), idempotent_hit=True)
