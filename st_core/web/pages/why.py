"""The page that says why a job waits; the queue's rows open it in place."""

from __future__ import annotations

from flask import url_for

from ...api.guard import current_viewer
from ...api.routing import page
from ...services import explanations, jobs
from ..frame import Crumb, Page, blueprint, render
from ..navigation import SEES_JOBS
from ..presenters import waiting


@page(blueprint, "/jobs/<job_id>/why", permission=SEES_JOBS)
def job_why(job_id: str) -> str:
    """Show every gate before the start of a job, what would start it, and when it will."""
    viewer = current_viewer()
    job = jobs.get(viewer, job_id)
    number, name = job.id, job.name
    found = explanations.why(viewer, number)
    crumbs = (
        Crumb("Cloud"),
        Crumb("Jobs", url_for("web.jobs")),
        Crumb(str(number), url_for("web.job", job_id=number)),
        Crumb("Why it waits"),
    )
    return render(
        "jobs/why.html",
        Page(f"Why job {number} waits", "queue", crumbs, narrow=True),
        number=number,
        name=name,
        waits=found.waits,
        why=waiting.of(found),
    )
