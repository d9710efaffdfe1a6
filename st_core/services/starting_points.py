"""Where a run begins: the checkpoint a retry resumes from, or another job's checkpoint to start
from."""

from __future__ import annotations

from ..contracts import Checkpoint, Viewer
from ..errors import NotFound, SubmissionInvalid
from ..models import Job
from . import jobs, registries, workspaces


def checkpoints(job: Job) -> list[Checkpoint]:
    """Return the complete checkpoints of a job, oldest first; empty when its trainer is not
    enabled."""
    trainer = registries.trainers().get(job.trainer)
    folder = workspaces.of(job)
    return list(trainer.checkpoints(folder)) if trainer and folder.is_dir() else []


def last_good(job: Job) -> str | None:
    """Return the path of the newest complete checkpoint, None when there is none."""
    found = checkpoints(job)
    return found[-1].path if found else None


def to_resume(job: Job, named: str | None) -> str | None:
    """Return the checkpoint a retry goes on from: the named one, else the newest, else None.

    Raises NotFound when the named one is not a complete checkpoint of the job.
    """
    if named is None:
        return last_good(job)
    return _find(job, named).path


def to_start_from(
    viewer: Viewer, job_id: str | None, named: str | None
) -> tuple[int | None, str | None]:
    """Return (job id, absolute path) of another job's checkpoint to start from; Nones when nothing
    was asked.

    Raises NotFound when the viewer cannot see that job or it has no such checkpoint.
    """
    if job_id is None:
        if named:
            raise SubmissionInvalid(
                "start_from_checkpoint needs start_from_job: name the job it belongs to",
                fields=[{"path": "start_from_job", "message": "missing"}],
            )
        return None, None
    source = jobs.get(viewer, job_id)
    chosen = _find(source, named) if named else None
    if chosen is None:
        found = checkpoints(source)
        if not found:
            raise NotFound(f"job {source.id} has no complete checkpoint to start from")
        chosen = found[-1]
    return source.id, str(workspaces.of(source) / chosen.path)


def _find(job: Job, named: str) -> Checkpoint:
    """Return the checkpoint with that path, folder name or step. Raises NotFound listing those
    there are."""
    found = checkpoints(job)
    for item in found:
        if named in (item.path, item.path.rsplit("/", 1)[-1], str(item.step)):
            return item
    there = ", ".join(item.path for item in found) or "none"
    raise NotFound(f"job {job.id} has no complete checkpoint {named!r}. There are: {there}.")
