"""Jobs over HTTP: list, look, stop, run again, delete. Their files and logs are in modules of their
own.
"""

from __future__ import annotations

from flask import Blueprint

from ..errors import Malformed
from ..services import (
    amendments,
    configs,
    explanations,
    job_history,
    job_list,
    jobs,
    queue,
    retrying,
    syncing,
)
from ..services.amendments import Amendment
from ..services.job_list import JobFilter
from . import rendering
from .explanations import holdings
from .guard import current_viewer
from .routing import route
from .schemas import jobs as schemas
from .schemas.kinds import Success

blueprint = Blueprint("jobs", __name__)
ROOT = "/api/cloud/jobs"
SEE = ("job.view.own", "job.view.all")
CANCEL = ("job.cancel.own", "job.cancel.all")


@route(
    blueprint,
    ROOT,
    permission=SEE,
    summary="List jobs",
    query=schemas.JobQuery,
    answers={200: schemas.JobList},
    tags=["jobs"],
)
def list_jobs(query: schemas.JobQuery) -> schemas.JobList:
    """List own jobs, the team's, and with `job.view.all` everyone's."""
    viewer = current_viewer()
    if query.sync_active:
        syncing.ask_providers(viewer)
    page = job_list.page(
        viewer, _filter(query), limit=query.limit, cursor=query.cursor, offset=query.offset
    )
    return schemas.JobList(
        jobs=[
            schemas.Job.model_validate(
                rendering.job(
                    row.job, row.attempt, username=row.user.username if row.user else None
                )
            )
            for row in page.rows
        ],
        next=page.next,
        previous=page.previous,
        total=page.total,
        total_is_exact=page.total_is_exact,
    )


@route(
    blueprint,
    f"{ROOT}/<job_id>",
    permission=SEE,
    summary="One job",
    answers={200: schemas.JobAnswer},
)
def get(job_id: str) -> schemas.JobAnswer:
    """Tell everything about a job but its files; fields at the top and once more under `job`."""
    return _answer(job_id)


@route(
    blueprint,
    [f"{ROOT}/<job_id>/cancel"],
    methods=["POST"],
    permission=CANCEL,
    summary="Cancel a job",
    answers={200: schemas.Cancelled},
    errors=[409],
)
def cancel(job_id: str) -> schemas.Cancelled:
    """End a job: a waiting one at once, a running one saves a checkpoint first."""
    return rendering.cancelled(jobs.cancel(current_viewer(), job_id))


@route(
    blueprint,
    [f"{ROOT}/cancel", f"{ROOT}/bulk-cancel"],
    methods=["POST"],
    permission=CANCEL,
    summary="Cancel several jobs",
    body=schemas.CancelManyBody,
    answers={200: schemas.CancelledMany},
)
def cancel_many(body: schemas.CancelManyBody) -> schemas.CancelledMany:
    """Cancel these jobs, or with `all` every active one the caller may cancel; each stands for
    itself.
    """
    viewer = current_viewer()
    if bool(body.job_ids) == body.all:
        raise Malformed(
            "The body does not fit: send either job_ids or all: true.",
            fields=[{"path": "job_ids", "message": "either job_ids or all"}],
        )
    states = tuple(job_list.status_of(word) for word in body.status)
    wanted = job_list.cancellable(viewer, states) if body.all else body.job_ids
    results = jobs.cancel_many(viewer, wanted)
    done = sum(result["success"] for result in results)
    return schemas.CancelledMany(
        success=done == len(results),
        cancelled=done,
        results=[schemas.CancelResult(**result) for result in results],
    )


@route(
    blueprint,
    f"{ROOT}/<job_id>",
    methods=["DELETE"],
    permission=("job.delete.own", "job.delete.all"),
    summary="Delete an ended job",
    answers={200: Success},
    errors=[409],
)
def delete(job_id: str) -> Success:
    """Delete the record and the files of a job that has ended."""
    jobs.delete(current_viewer(), job_id)
    return Success()


@route(
    blueprint,
    [f"{ROOT}/<job_id>/retry", f"{ROOT}/<job_id>/resume"],
    methods=["POST"],
    permission="job.submit",
    summary="Run a failed or cancelled job again",
    body=schemas.RetryBody,
    answers={200: schemas.JobAnswer, 202: schemas.JobAnswer},
    errors=[400, 409, 429],
)
def retry(job_id: str, body: schemas.RetryBody) -> tuple[schemas.JobAnswer, int]:
    """Queue a new attempt of the same job, from its last complete checkpoint unless `fresh`."""
    job = retrying.retry(current_viewer(), job_id, checkpoint=body.checkpoint, fresh=body.fresh)
    return _answer(str(job.id)), 202 if job.requires_approval else 200


@route(
    blueprint,
    f"{ROOT}/<job_id>",
    methods=["PATCH"],
    permission="job.submit",
    summary="Edit a waiting job of your own",
    body=schemas.AmendBody,
    answers={200: schemas.JobAnswer, 202: schemas.JobAnswer},
    errors=[400, 409, 429],
)
def amend(job_id: str, body: schemas.AmendBody) -> tuple[schemas.JobAnswer, int]:
    """Change a job that waits; it passes all gates again, and what people said of it is void."""
    wanted = Amendment(
        name=body.name,
        config=body.config,
        hardware=body.hardware_profile,
        gpu_count=body.gpu_count,
        time_limit_seconds=body.time_limit_seconds,
    )
    job = amendments.amend(current_viewer(), job_id, wanted)
    return _answer(str(job.id)), 202 if job.requires_approval else 200


@route(
    blueprint,
    f"{ROOT}/<job_id>/checkpoint",
    methods=["POST"],
    permission=CANCEL,
    summary="Save a checkpoint now",
    answers={202: Success},
    errors=[409, 502],
)
def save_checkpoint(job_id: str) -> Success:
    """Ask the running trainer for a checkpoint; it appears among the files when it is complete."""
    jobs.save_checkpoint(current_viewer(), job_id)
    return Success()


@route(
    blueprint,
    f"{ROOT}/sync",
    methods=["POST"],
    permission=SEE,
    summary="Ask providers for news",
    answers={200: schemas.Synced},
)
def sync() -> schemas.Synced:
    """Ask the providers at once how the active jobs stand that the caller may see."""
    count = syncing.ask_providers(current_viewer())
    return schemas.Synced(synced=count, message=f"{count} active jobs are asked about now.")


@route(
    blueprint,
    f"{ROOT}/<job_id>/attempts",
    permission=SEE,
    summary="Every start of a job",
    answers={200: schemas.Attempts},
)
def attempts(job_id: str) -> schemas.Attempts:
    """List the starts of a job, oldest first."""
    job = jobs.get(current_viewer(), job_id)
    rows = [rendering.attempt(row) for row in job_history.attempts(job)]
    return schemas.Attempts(job_id=str(job.id), attempts=rows)


@route(
    blueprint,
    f"{ROOT}/<job_id>/gates",
    permission=SEE,
    summary="The gates a job passed",
    answers={200: schemas.Gates},
)
def gates(job_id: str) -> schemas.Gates:
    """Tell what each gate said when the job was admitted."""
    job = jobs.get(current_viewer(), job_id)
    rows = [rendering.gate(row) for row in job_history.gates(job)]
    return schemas.Gates(job_id=str(job.id), gates=rows)


@route(
    blueprint,
    f"{ROOT}/<job_id>/config",
    permission=SEE,
    summary="The config that was admitted",
    answers={200: schemas.ConfigSnapshot},
)
def config(job_id: str) -> schemas.ConfigSnapshot:
    """Return the snapshot; later changes of the config do not touch it."""
    job = jobs.get(current_viewer(), job_id)
    return schemas.ConfigSnapshot(
        job_id=str(job.id), config_name=job.config_name, config=job.config
    )


@route(
    blueprint,
    [f"{ROOT}/<job_id>/config/diff", f"{ROOT}/<job_id>/config-diff"],
    permission=SEE,
    summary="How the config differs from another run's",
    query=schemas.DiffQuery,
    answers={200: schemas.ConfigDiff},
)
def config_diff(job_id: str, query: schemas.DiffQuery) -> schemas.ConfigDiff:
    """Compare with a named job, or with the last run of the same config before this one."""
    viewer = current_viewer()
    job = jobs.get(viewer, job_id)
    other = (
        jobs.get(viewer, query.against) if query.against else job_history.previous_run(viewer, job)
    )
    found = configs.compare(other.config, job.config) if other else []
    return schemas.ConfigDiff(
        job_id=str(job.id),
        against=str(other.id) if other else None,
        changes=rendering.changes(found),
    )


def _answer(job_id: str) -> schemas.JobAnswer:
    job = jobs.get(current_viewer(), job_id)
    user = job_history.origin(job).user
    fields = rendering.job(
        job,
        jobs.current_attempt(job),
        username=user.username if user else None,
        place=queue.position(job),
    )
    held = holdings(explanations.gates(current_viewer(), job), passed=False)
    return schemas.JobAnswer.model_validate({**fields, "job": fields, "waits_for": held})


def _filter(query: schemas.JobQuery) -> JobFilter:
    return JobFilter(
        statuses=tuple(job_list.status_of(word) for word in query.status),
        job_type=query.job_type,
        provider=query.provider,
        trainer=query.trainer,
        user_id=query.user,
        config_name=query.config,
        q=query.q,
        since=query.since,
        until=query.until,
        sort=query.sort.lstrip("-"),
        descending=query.sort.startswith("-"),
    )
