"""The head of a job's pages: what it is, what the viewer may do with it now, and its tabs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import url_for

from ...contracts import Viewer
from ...models import Job
from ...services import job_fields
from ...services.job_history import Origin
from .. import formats
from . import job_actions
from .job_actions import Action, Left
from .standing import Standing


@dataclass(frozen=True)
class Tab:
    """One tab with how much is behind it."""

    id: str
    word: str
    url: str
    count: str = ""


@dataclass(frozen=True)
class Head:
    """Everything above a job's tab; `word` replaces the state's own word while the job ends."""

    word: str | None
    config_word: str
    config_url: str
    submitter: str
    actions: tuple[Action, ...]
    more: tuple[Action, ...]
    tabs: tuple[Tab, ...]
    previous_url: str
    next_url: str


def head(
    viewer: Viewer,
    job: Job,
    at: Standing,
    origin: Origin,
    left: Left,
    *,
    neighbours: tuple[int | None, int | None],
    changed: int | None,
) -> Head:
    """Return the head of `job` for `viewer`; `changed` keys differ from the previous run."""
    config_word, config_url = config_link(job, origin)
    before, after = neighbours
    return Head(
        word="Ending" if job.cancel_requested_at and job.state.is_active else None,
        config_word=config_word,
        config_url=config_url,
        submitter=job_fields.submitter(job, origin.user),
        actions=tuple(job_actions.actions(viewer, job, at, left)),
        more=tuple(job_actions.more(viewer, job, left)),
        tabs=tuple(_tabs(job, left, changed)),
        previous_url=url_for("web.job", job_id=before) if before else "",
        next_url=url_for("web.job", job_id=after) if after else "",
    )


def config_link(job: Job, origin: Origin) -> tuple[str, str]:
    """Return the words for a job's config, and its page when it was a saved one."""
    if origin.config is None:
        return f"a config of its own ({job.config_name})", ""
    name, number = origin.config.name, origin.revision
    return f"{name}, revision {number}", url_for("web.config_revision", name=name, number=number)


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
