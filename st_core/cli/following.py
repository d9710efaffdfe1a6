"""Follow one job until it ends: a progress bar on a terminal, a line now and then elsewhere, exit
code at the end.

The job's own endpoint is asked, not a stream: it survives restarts of the server, through which
training goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from .client import Client, Unreachable
from .outcome import OF_JOB, CliError, ExitCode
from .output import pick, say

POLL_SECONDS = 0.5
#: How long a server may be away (a restart, an upgrade) before following gives up.
PATIENCE_SECONDS = 120.0
#: Without a terminal a line is written for every tenth of the way.
TENTHS = 10
PHRASES = {
    "pending_approval": "waiting for approval",
    "queued": "waiting in the queue",
    "starting": "starting",
    "running": "training",
}


class Display(Protocol):
    """Shows how a job stands, again and again."""

    def show(self, job: dict[str, Any]) -> None:
        """Show the job as it stands now."""


def follow(client: Client, job_id: str) -> dict[str, Any]:
    """Show a job's progress on standard error until it ends; return it as it ended.

    Raises CliError with code 130 on Ctrl-C (the job goes on) and Unreachable when the server stays
    away.
    """
    job: dict[str, Any] = {}
    with _letting_it_go_on(job_id), _display(job_id) as display:
        for job in _states(client, job_id):
            display.show(job)
    return job


def ended(job: dict[str, Any]) -> ExitCode:
    """Tell people how a job ended; return the exit code for it."""
    status = str(job.get("status"))
    reason = f": {job['error_message']}" if job.get("error_message") else ""
    say(f"job {job.get('job_id')} {status}{reason}")
    return OF_JOB.get(status, ExitCode.FAILED)


def _states(client: Client, job_id: str) -> Iterator[dict[str, Any]]:
    """Yield the job every half second until it has ended, patient while the server restarts."""
    away_since: float | None = None
    while True:
        try:
            job = client.get(f"/api/cloud/jobs/{job_id}")
        except Unreachable:
            if away_since is None:
                away_since = time.monotonic()
                say("the server does not answer; training goes on without it, asking again …")
            if time.monotonic() - away_since > PATIENCE_SECONDS:
                raise
            time.sleep(POLL_SECONDS)
            continue
        away_since = None
        yield job
        if job.get("is_terminal"):
            return
        time.sleep(POLL_SECONDS)


@contextmanager
def _letting_it_go_on(job_id: str) -> Iterator[None]:
    """Turn Ctrl-C into the news that the job is still running, and how to follow or stop it."""
    try:
        yield
    except KeyboardInterrupt:
        raise CliError(
            f"no longer following; job {job_id} goes on. See it with "
            f"`simpletuner jobs get {job_id} --follow`, "
            f"stop it with `simpletuner jobs cancel {job_id}`",
            ExitCode.INTERRUPTED,
        ) from None


@contextmanager
def _display(job_id: str) -> Iterator[Display]:
    if not sys.stderr.isatty():
        yield Lines(job_id)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), expand=True) as progress:
        yield Bar(progress, job_id)


class Bar:
    """A moving bar: where the job stands, steps, loss and the time that is left."""

    def __init__(self, progress: Progress, job_id: str) -> None:
        self.progress = progress
        self.task = progress.add_task(f"job {job_id}", total=None, detail="")

    def show(self, job: dict[str, Any]) -> None:
        """Move the bar to where the job stands."""
        step, total = pick(job, "progress.step"), pick(job, "progress.total")
        if job.get("status") == "completed" and total:
            step = total
        self.progress.update(
            self.task,
            description=escape(f"job {job['job_id']} {phrase(job)}"),
            total=total,
            completed=step or 0,
            detail=escape(detail(job)),
        )


class Lines:
    """A line for every change of state and every tenth of the way, for logs and pipes."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.last: tuple[str, int] = ("", -1)

    def show(self, job: dict[str, Any]) -> None:
        """Write a line when there is news."""
        step, total = pick(job, "progress.step") or 0, pick(job, "progress.total") or 0
        now = (phrase(job), TENTHS * step // total if total else 0)
        if now != self.last and not job.get("is_terminal"):
            say(f"job {self.job_id} {phrase(job)} {detail(job)}".rstrip())
        self.last = now


def phrase(job: dict[str, Any]) -> str:
    """Return where the job stands in a word or two: its stage while it runs, why it waits."""
    status = str(job.get("status"))
    if status == "running" and pick(job, "progress.stage"):
        return str(pick(job, "progress.stage"))
    if status == "queued" and job.get("hold_reason"):
        return f"waiting: {job['hold_reason']}"
    return PHRASES.get(status, status)


def detail(job: dict[str, Any]) -> str:
    """Return steps, loss and time left as one short text; empty before the first step."""
    step, total = pick(job, "progress.step"), pick(job, "progress.total")
    if step is None:
        return ""
    parts = [f"{step}/{total}" if total else f"step {step}"]
    loss, left = pick(job, "progress.loss"), pick(job, "progress.eta_seconds")
    if loss is not None:
        parts.append(f"loss {loss:.4g}")
    if left is not None and not job.get("is_terminal"):
        parts.append(f"{duration(left)} left")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Return a time span as people write it: 42 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
