"""The head of a job's pages: what it is, what the viewer may do with it now, and its tabs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from ...contracts import Capability, Checkpoint, Viewer
from ...models import Attempt, Job, JobState
from ...services import registries
from ...services.job_history import Origin
from .. import formats
from .standing import Standing

API = "/api/cloud/jobs"


@dataclass(frozen=True)
class Ask:
    """The question before something ends: what ends and what stays, in numbers."""

    title: str
    text: str
    yes: str
    no: str


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
    download: bool = False


@dataclass(frozen=True)
class Tab:
    """One tab with how much is behind it."""

    id: str
    word: str
    url: str
    count: str = ""


@dataclass(frozen=True)
class Head:
    """Everything above a job's tab."""

    word: str | None
    config_word: str
    config_url: str
    submitter: str
    actions: tuple[Action, ...]
    more: tuple[Action, ...]
    tabs: tuple[Tab, ...]
    previous_url: str
    next_url: str


@dataclass(frozen=True)
class Left:
    """What a job has left so far, for the words of its questions."""

    checkpoints: Sequence[Checkpoint]
    samples: int
    files: int

    @property
    def words(self) -> str:
        """Return "7 checkpoints and 16 samples"."""
        return f"{formats.plural(len(self.checkpoints), 'checkpoint')} and {formats.plural(self.samples, 'sample')}"


def head(
    viewer: Viewer,
    job: Job,
    attempt: Attempt | None,
    at: Standing,
    origin: Origin,
    left: Left,
    neighbours: tuple[int | None, int | None],
    changed: int | None,
) -> Head:
    """Return the head of `job` for `viewer`; `changed` is how many keys differ from the previous run."""
    config_word, config_url = config_link(job, origin)
    before, after = neighbours
    return Head(
        word="Ending" if job.cancel_requested_at and job.state.is_active else None,
        config_word=config_word,
        config_url=config_url,
        submitter=person(origin),
        actions=tuple(_actions(viewer, job, at, left)),
        more=tuple(_more(viewer, job, left)),
        tabs=tuple(_tabs(job, left, changed)),
        previous_url=url_for("web.job", job_id=before) if before else "",
        next_url=url_for("web.job", job_id=after) if after else "",
    )


def person(origin: Origin) -> str:
    """Return who submitted the job, in full."""
    return (
        (origin.user.display_name or origin.user.username) if origin.user else "somebody who left"
    )


def config_link(job: Job, origin: Origin) -> tuple[str, str]:
    """Return the words for a job's config, and its page when it was a saved one."""
    if origin.config is None:
        return f"a config of its own ({job.config_name})", ""
    name, number = origin.config.name, origin.revision
    return f"{name}, revision {number}", url_for("web.config", name=name, revision=number)


def _may(viewer: Viewer, job: Job, right: str) -> bool:
    own = job.user_id == viewer.user_id and viewer.may(f"{right}.own")
    return own or viewer.may(f"{right}.all")


def _actions(viewer: Viewer, job: Job, at: Standing, left: Left) -> Iterator[Action]:
    may_end = _may(viewer, job, "job.cancel")
    provider = registries.providers().get(job.provider)
    if job.state is JobState.PENDING_APPROVAL and viewer.may("queue.approve"):
        yield Action(
            "Approve, job goes to the queue",
            "check-lg",
            call=f"/api/queue/{job.id}/approve",
            done="Approved. The job is in the queue.",
            cls="btn btn-primary",
        )
    if job.state in (JobState.FAILED, JobState.CANCELLED) and may_end:
        yield from _again(job, left)
    running = job.state is JobState.RUNNING and not job.cancel_requested_at
    if running and may_end and provider and Capability.CHECKPOINT in provider.capabilities:
        yield Action(
            "Save checkpoint now",
            "save",
            call=f"{API}/{job.id}/checkpoint",
            done="Asked for a checkpoint. It appears here when it is complete.",
        )
    if job.state is JobState.COMPLETED and left.checkpoints:
        yield Action(
            "Download the result",
            "download",
            url=checkpoint_url(job, left.checkpoints[-1].path),
            cls="btn btn-primary",
        )
    if viewer.may("job.submit"):
        yield Action("Submit again", "copy", url=url_for("web.new_job", again=job.id))
    if not job.state.is_final and not job.cancel_requested_at and may_end:
        yield Action(
            "Cancel job",
            call=f"{API}/{job.id}/cancel",
            cls="btn btn-danger-quiet",
            ask=_cancel_question(job, at, left),
        )


def _again(job: Job, left: Left) -> Iterator[Action]:
    url = f"{API}/{job.id}/retry"
    if left.checkpoints:
        step = formats.number(left.checkpoints[-1].step)
        yield Action(
            f"Resume from {step}",
            "arrow-clockwise",
            call=url,
            cls="btn btn-primary",
            done=f"In the queue again; it goes on from step {step}.",
        )
    else:
        yield Action(
            "Retry",
            "arrow-clockwise",
            call=url,
            body={"fresh": True},
            cls="btn btn-primary",
            done="In the queue again, from the beginning.",
        )


def _cancel_question(job: Job, at: Standing, left: Left) -> Ask:
    title = f"Cancel job {job.id}, {job.name}?"
    if not job.state.is_active:
        return Ask(
            title,
            "It leaves the queue and never starts. Its record stays; it can be retried.",
            "Cancel job",
            "Keep it waiting",
        )
    step = f" at step {at.step:,}" if at.step else ""
    text = (
        f"The trainer saves a checkpoint{step}, then ends. What is left of the time limit is given back.\n"
        f"{left.words} stay, and it can be resumed from the last one."
    )
    return Ask(title, text, "Cancel job", "Keep it running")


def _more(viewer: Viewer, job: Job, left: Left) -> Iterator[Action]:
    cls = "dropdown-item"
    if job.state is JobState.PENDING_APPROVAL and viewer.may("queue.approve"):
        yield Action(
            "Reject, job is cancelled",
            call=f"/api/queue/{job.id}/reject",
            cls=f"{cls} bad",
            body={"reason": "Rejected on the job's page."},
            done="Rejected.",
            ask=Ask(
                f"Reject job {job.id}, {job.name}?",
                "It is cancelled and never starts. Its record stays.",
                "Reject, job is cancelled",
                "Keep it waiting",
            ),
        )
    if (
        job.state in (JobState.FAILED, JobState.CANCELLED)
        and left.checkpoints
        and _may(viewer, job, "job.cancel")
    ):
        yield Action(
            "Start over from the beginning",
            call=f"{API}/{job.id}/retry",
            body={"fresh": True},
            cls=cls,
            done="In the queue again, from the beginning.",
        )
    if left.checkpoints and viewer.may("job.submit"):
        yield Action(
            "New job from its last checkpoint",
            url=url_for("web.new_job", again=job.id, start_from=job.id),
        )
    yield Action("Config as JSON", url=f"{API}/{job.id}/config")
    if job.state.is_final and _may(viewer, job, "job.delete"):
        text = f"Its record, {left.words} and {formats.plural(left.files, 'file')} in all are deleted. This cannot be undone."
        yield Action(
            "Delete job…",
            call=f"{API}/{job.id}",
            method="DELETE",
            cls=f"{cls} bad",
            done=f"Job {job.id} was deleted.",
            then=url_for("web.jobs"),
            ask=Ask(f"Delete job {job.id}, {job.name}?", text, "Delete job", "Keep it"),
        )


def _tabs(job: Job, left: Left, changed: int | None) -> Iterator[Tab]:
    def tab(id_: str, word: str, count: str = "") -> Tab:
        endpoint = "web.job" if id_ == "overview" else f"web.job_{id_}"
        return Tab(id_, word, url_for(endpoint, job_id=job.id), count)

    yield tab("overview", "Overview")
    yield tab("metrics", "Metrics")
    yield tab("samples", "Samples", formats.number(left.samples) if left.samples else "")
    yield tab("log", "Log")
    yield tab("files", "Files", formats.number(left.files) if left.files else "")
    yield tab("config", "Config", f"{changed} changed" if changed else "")
    yield tab("events", "Events")


def artifact_url(job: Job, path: str) -> str:
    """Return where the API hands over a file of the job."""
    from urllib.parse import quote

    return f"{API}/{job.id}/artifacts/{quote(path)}"


def checkpoint_url(job: Job, path: str) -> str:
    """Return where the API hands over a checkpoint as one archive."""
    from urllib.parse import quote

    return f"{API}/{job.id}/checkpoints/{quote(path)}"
