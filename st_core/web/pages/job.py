"""The pages about one job: an overview, and one page per tab."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import request, url_for

from ...api.guard import current_viewer
from ...api.routing import page
from ...clock import iso
from ...contracts import Artifact, Checkpoint, Viewer
from ...models import Attempt, Job
from ...services import events, job_history, jobs, registries, starting_points, workspaces
from .. import slots
from ..frame import Crumb, Page, blueprint, render
from ..navigation import SEES_JOBS
from ..presenters import curves, gate_trail, job_actions, job_head, job_overview, log_view, samples
from ..presenters.phases import phases
from ..presenters.standing import Standing, standing
from ..presenters.waiting import before_start
from ..words import STATES

CURVE_POINTS = 320
MOST_FILES = 80
MOST_EVENTS = 100


@dataclass
class _Seen:
    """One job as this request sees it; what a page does not need is not read."""

    viewer: Viewer
    job: Job

    @cached_property
    def attempts(self) -> list[Attempt]:
        return job_history.attempts(self.job)

    @property
    def attempt(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @cached_property
    def at(self) -> Standing:
        return standing(self.attempt, workspaces.reader(self.job) if self.job.started_at else None)

    @cached_property
    def checkpoints(self) -> list[Checkpoint]:
        return starting_points.checkpoints(self.job)

    @cached_property
    def pictures(self) -> list[Artifact]:
        trainer = registries.trainers().get(self.job.trainer)
        return list(trainer.samples(workspaces.of(self.job))) if trainer else []

    @cached_property
    def files(self) -> list[Artifact]:
        return workspaces.artifacts(self.job)

    @cached_property
    def origin(self) -> job_history.Origin:
        return job_history.origin(self.job)

    @cached_property
    def change(self) -> job_overview.Change | None:
        return job_overview.change(self.job, job_history.previous_run(self.viewer, self.job))

    @cached_property
    def series(self) -> dict[str, list[tuple[int, float]]]:
        found = workspaces.series(self.job, max_points=CURVE_POINTS) if self.job.started_at else {}
        return {
            name: [(int(step), value) for step, value in points] for name, points in found.items()
        }

    def head(self) -> job_head.Head:
        left = job_actions.Left(self.checkpoints, len(self.pictures), len(self.files))
        return job_head.head(
            self.viewer,
            self.job,
            self.at,
            self.origin,
            left,
            neighbours=job_history.neighbours(self.viewer, self.job),
            changed=self.change.count if self.change else None,
        )


def _see(job_id: str) -> _Seen:
    viewer = current_viewer()
    return _Seen(viewer, jobs.get(viewer, job_id))


def _render(seen: _Seen, tab: str, template: str, **view: Any) -> str:
    job = seen.job
    word = STATES[job.state.value].word
    how_far = (
        f"{seen.at.percent:.0f}% " if seen.at.percent is not None and job.state.is_active else ""
    )
    title = f"{how_far}{job.name}, job {job.id}, {word.lower()}"
    crumbs = (Crumb("Cloud"), Crumb("Jobs", url_for("web.jobs")), Crumb(str(job.id)))
    shown = _Shown(job.id, job.name, job.state.value, job.created_at)
    return render(
        template, Page(title, "jobs", crumbs), job=shown, head=seen.head(), current_tab=tab, **view
    )


@dataclass(frozen=True)
class _Shown:
    """The few fields of a job that templates name themselves."""

    id: int
    name: str
    state: str
    created_at: Any


def _view(seen: _Seen) -> curves.View:
    """Return how the URL wants curves drawn; a value nobody offers counts as the default."""
    smoothing = request.args.get("smooth", type=float)
    return curves.View(
        smoothing=smoothing if smoothing in curves.SMOOTHING else curves.DEFAULT_SMOOTHING,
        log=request.args.get("scale") == "log",
        last_step=seen.at.total or 0,
    )


def _switches(endpoint: str, job: Job, view: curves.View) -> dict[str, list[curves.Switch]]:
    def url(smoothing: float, log: bool) -> str:
        return url_for(
            endpoint, job_id=job.id, smooth=f"{smoothing:g}", scale="log" if log else None
        )

    return curves.switches(view, url)


def _grid(seen: _Seen, *, brief: bool = False) -> samples.Grid:
    def url(path: str) -> str:
        return job_actions.artifact_url(seen.job, path)

    return samples.grid(seen.pictures, workspaces.of(seen.job), url, brief=brief)


@page(blueprint, "/jobs/<job_id>", permission=SEES_JOBS)
def job(job_id: str) -> str:
    """Show how far a job is, what it looks like, what it said, and what it is."""
    seen = _see(job_id)
    view = _view(seen)
    trail = gate_trail.of_job(job_history.gates(seen.job))
    shown = [name for name in ("loss", "learning_rate") if len(seen.series.get(name, ())) > 1]
    return _render(
        seen,
        "overview",
        "jobs/overview.html",
        progress=job_overview.progress(seen.job, seen.attempt, seen.at, seen.checkpoints),
        phases=phases(seen.job, seen.attempts, seen.at),
        tiles=job_overview.tiles(seen.job, seen.at, seen.series.get("loss", ()), view.smoothing),
        curves=curves.curves(seen.series, shown or curves.ordered(seen.series)[:2], view),
        switches=_switches("web.job", seen.job, view),
        repeated=curves.repeated(seen.attempts),
        samples=_grid(seen, brief=True),
        log=log_view.tail(seen.job, log_view.OVERVIEW_BYTES, log_view.OVERVIEW_LINES),
        change=seen.change,
        details=job_overview.details(
            seen.job, seen.attempt, workspaces.of(seen.job).name, job_history.place(seen.job)
        ),
        gate_trail=trail,
        waiting=before_start(seen.viewer, seen.job),
        gate_summary=gate_trail.summary(trail),
        attempts=job_overview.attempt_lines(seen.job, seen.attempts),
        checkpoints=_checkpoints(seen),
        panels=slots.panels("job", seen.viewer, seen.job),
    )


@page(blueprint, "/jobs/<job_id>/metrics", permission=SEES_JOBS)
def job_metrics(job_id: str) -> str:
    """Show every curve of a job, and the same in numbers."""
    seen = _see(job_id)
    view = _view(seen)
    return _render(
        seen,
        "metrics",
        "jobs/metrics.html",
        curves=curves.curves(
            seen.series, curves.ordered(seen.series)[: curves.MOST], view, (540, 210)
        ),
        figures=curves.figures(seen.series),
        switches=_switches("web.job_metrics", seen.job, view),
        repeated=curves.repeated(seen.attempts),
        points=CURVE_POINTS,
        csv_url=f"{job_actions.API}/{seen.job.id}/metrics?format=csv",
        why_empty=_why_empty(
            seen.job, "Curves appear as soon as the trainer tells its second step."
        ),
    )


@page(blueprint, "/jobs/<job_id>/samples", permission=SEES_JOBS)
def job_samples(job_id: str) -> str:
    """Show every sample picture of a job."""
    seen = _see(job_id)
    why = _why_empty(seen.job, "The trainer writes samples at the steps its config names.")
    return _render(seen, "samples", "jobs/samples.html", samples=_grid(seen), why_empty=why)


@page(blueprint, "/jobs/<job_id>/log", permission=SEES_JOBS)
def job_log(job_id: str) -> str:
    """Show the end of a job's log, or the part that ends at byte `until`."""
    seen = _see(job_id)
    until = request.args.get("until", type=int)
    return _render(
        seen,
        "log",
        "jobs/log.html",
        log=log_view.tail(seen.job, log_view.PAGE_BYTES, log_view.PAGE_LINES, until),
    )


@page(blueprint, "/jobs/<job_id>/files", permission=SEES_JOBS)
def job_files(job_id: str) -> str:
    """Show checkpoints and files of a job, to download."""
    seen = _see(job_id)
    files = [one for one in seen.files if one.kind != "checkpoint"]
    files.sort(key=lambda one: (one.kind != "sample", one.modified_at), reverse=True)
    return _render(
        seen,
        "files",
        "jobs/files.html",
        checkpoints=_checkpoints(seen),
        files=[_file(seen.job, one) for one in files],
        most=MOST_FILES,
        total_bytes=sum(one.size_bytes for one in files),
        list_url=f"{job_actions.API}/{seen.job.id}/artifacts",
        why_empty=_why_empty(seen.job, "Files appear here as the trainer writes them."),
    )


@page(blueprint, "/jobs/<job_id>/config", permission=SEES_JOBS)
def job_config(job_id: str) -> str:
    """Show the config that was admitted, and its difference to the run before."""
    seen = _see(job_id)
    return _render(
        seen,
        "config",
        "jobs/config.html",
        change=seen.change,
        snapshot=json.dumps(seen.job.config, indent=2, ensure_ascii=False, sort_keys=True),
        digest=seen.job.config_digest[:12],
        download_url=f"{job_actions.API}/{seen.job.id}/config",
    )


@page(blueprint, "/jobs/<job_id>/events", permission=SEES_JOBS)
def job_events(job_id: str) -> str:
    """Show what happened to a job, newest first."""
    seen = _see(job_id)
    found = events.recent(seen.viewer, MOST_EVENTS, job_id=seen.job.id)
    return _render(
        seen, "events", "jobs/events.html", events=job_overview.event_lines(found), most=MOST_EVENTS
    )


def _checkpoints(seen: _Seen) -> list[dict[str, Any]]:
    """Return the checkpoints, newest first, each with its download."""
    return [
        {
            "step": one.step,
            "size_bytes": one.size_bytes,
            "saved_at": one.saved_at,
            "url": job_actions.checkpoint_url(seen.job, one.path),
        }
        for one in reversed(seen.checkpoints)
    ]


def _file(job: Job, one: Artifact) -> dict[str, Any]:
    return {
        "path": one.path,
        "kind": one.kind,
        "size_bytes": one.size_bytes,
        "modified_at": one.modified_at,
        "url": f"{job_actions.artifact_url(job, one.path)}?download=true",
    }


def _why_empty(job: Job, otherwise: str) -> str:
    if job.started_at is None:
        return f"Job {job.id} has not started. {otherwise}"
    if job.state.is_final:
        return f"Job {job.id} ended {iso(job.completed_at)} without any."
    return otherwise
