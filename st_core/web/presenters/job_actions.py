"""What a viewer may do with a job now: the buttons of its pages, and the questions before the ones
that end something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import url_for

from ...contracts import Capability, Checkpoint, Viewer
from ...models import Job, JobState
from ...services import jobs, registries
from .. import formats
from .standing import Standing

API = "/api/cloud/jobs"
ENDED_BADLY = (JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Ask:
    """The question before something ends: what ends and what stays, in numbers.

    With `field` it also wants a text, sent under that name; `label` says which.
    """

    title: str
    text: str
    yes: str
    no: str
    field: str = ""
    label: str = ""


@dataclass(frozen=True)
class Action:
    """One thing the viewer may do: a link (`url`), or a request to the API (`call`)."""

    word: str
    icon: str = ""
    url: str = ""
    call: str = ""
    method: str = "POST"
    body: Any = None
    done: str = ""
    then: str = "refresh"
    ask: Ask | None = None
    cls: str = "btn btn-quiet"


@dataclass(frozen=True)
class Left:
    """What a job has left so far, for the words of its questions."""

    checkpoints: Sequence[Checkpoint]
    samples: int
    files: int

    @property
    def words(self) -> str:
        """Return "7 checkpoints and 16 samples"."""
        checkpoints = formats.plural(len(self.checkpoints), "checkpoint")
        return f"{checkpoints} and {formats.plural(self.samples, 'sample')}"


def actions(viewer: Viewer, job: Job, at: Standing, left: Left) -> Iterator[Action]:
    """Return the buttons beside the title: at most one primary, then quiet ones."""
    may_end = jobs.may_on(viewer, job, "job.cancel")
    if _decides(viewer, job):
        yield _approve(job)
    if job.state in ENDED_BADLY and may_end and viewer.may("job.submit"):
        yield _again(job, left)
    if may_end and _takes_checkpoints(job):
        yield Action(
            "Save checkpoint now",
            "save",
            call=f"{API}/{job.id}/checkpoint",
            done="Asked for a checkpoint. It appears here when it is complete.",
        )
    if job.state is JobState.COMPLETED and left.checkpoints:
        result = checkpoint_url(job, left.checkpoints[-1].path)
        yield Action("Download the result", "download", url=result, cls="btn btn-primary")
    if viewer.may("job.submit"):
        yield Action("Submit again", "copy", url=url_for("web.new_job", again=job.id))
    if may_end and not job.state.is_final and not job.cancel_requested_at:
        yield Action(
            "Cancel job",
            call=f"{API}/{job.id}/cancel",
            cls="btn btn-danger-quiet",
            ask=_cancel_question(job, at, left),
        )


def more(viewer: Viewer, job: Job, left: Left) -> Iterator[Action]:
    """Return what stands under "More"."""
    cls = "dropdown-item"
    if _decides(viewer, job):
        yield _reject(job)
    may_retry = jobs.may_on(viewer, job, "job.cancel") and viewer.may("job.submit")
    if job.state in ENDED_BADLY and left.checkpoints and may_retry:
        yield Action(
            "Start over from the beginning",
            call=f"{API}/{job.id}/retry",
            body={"fresh": True},
            cls=cls,
            done="In the queue again, from the beginning.",
        )
    if left.checkpoints and viewer.may("job.submit"):
        url = url_for("web.new_job", again=job.id, start_from=job.id)
        yield Action("New job from its last checkpoint", url=url)
    yield Action("Config as JSON", url=f"{API}/{job.id}/config")
    if job.state.is_final and jobs.may_on(viewer, job, "job.delete"):
        yield _delete(job, left)


def artifact_url(job: Job, path: str) -> str:
    """Return where the API hands over a file of the job."""
    return f"{API}/{job.id}/artifacts/{quote(path)}"


def checkpoint_url(job: Job, path: str) -> str:
    """Return where the API hands over a checkpoint as one archive."""
    return f"{API}/{job.id}/checkpoints/{quote(path)}"


def _takes_checkpoints(job: Job) -> bool:
    provider = registries.providers().get(job.provider)
    able = provider is not None and Capability.CHECKPOINT in provider.capabilities
    return able and job.state is JobState.RUNNING and not job.cancel_requested_at


def _decides(viewer: Viewer, job: Job) -> bool:
    """Tell whether the viewer is offered to decide; about their own job only where nobody keeps
    requests."""
    own = job.user_id == viewer.user_id and registries.approval_desk() is not None
    waits = job.state is JobState.PENDING_APPROVAL
    return waits and not own and viewer.may("queue.approve")


def _approve(job: Job) -> Action:
    return Action(
        "Approve, job goes to the queue",
        "check-lg",
        call=f"/api/queue/{job.id}/approve",
        done="Approved. The job is in the queue.",
        cls="btn btn-primary",
    )


def _reject(job: Job) -> Action:
    question = Ask(
        f"Reject job {job.id}, {job.name}?",
        "It is cancelled and never starts. Its record stays.",
        "Reject, job is cancelled",
        "Keep it waiting",
        field="reason",
        label="Reason, which the submitter reads",
    )
    return Action(
        "Reject, job is cancelled…",
        call=f"/api/queue/{job.id}/reject",
        cls="dropdown-item bad",
        done="Rejected. The job is cancelled.",
        ask=question,
    )


def _again(job: Job, left: Left) -> Action:
    url = f"{API}/{job.id}/retry"
    if not left.checkpoints:
        return Action(
            "Retry",
            "arrow-clockwise",
            call=url,
            body={"fresh": True},
            cls="btn btn-primary",
            done="In the queue again, from the beginning.",
        )
    step = formats.number(left.checkpoints[-1].step)
    return Action(
        f"Resume from {step}",
        "arrow-clockwise",
        call=url,
        cls="btn btn-primary",
        done=f"In the queue again; it goes on from step {step}.",
    )


def _cancel_question(job: Job, at: Standing, left: Left) -> Ask:
    title = f"Cancel job {job.id}, {job.name}?"
    if not job.state.is_active:
        text = "It leaves the queue and never starts. Its record stays; it can be retried."
        return Ask(title, text, "Cancel job", "Keep it waiting")
    step = f" at step {at.step:,}" if at.step else ""
    text = (
        f"The trainer saves a checkpoint{step}, then ends.\n"
        f"{left.words} stay, and the job can be resumed from the last one."
    )
    return Ask(title, text, "Cancel job", "Keep it running")


def _delete(job: Job, left: Left) -> Action:
    files = formats.plural(left.files, "file")
    text = f"Its record, {left.words}, {files} in all, are deleted. This cannot be undone."
    return Action(
        "Delete job…",
        call=f"{API}/{job.id}",
        method="DELETE",
        cls="dropdown-item bad",
        done=f"Job {job.id} was deleted.",
        then=url_for("web.jobs"),
        ask=Ask(f"Delete job {job.id}, {job.name}?", text, "Delete job", "Keep it"),
    )
