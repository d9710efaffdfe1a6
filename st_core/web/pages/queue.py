"""The queue's page: what waits and why, what runs, the limits."""

from __future__ import annotations

from flask import request

from ...api.guard import current_viewer
from ...api.routing import page
from ...models import JobState
from ...models.states import ACTIVE
from ...services import forecast, job_history, limits, settings, share_list
from ...services import queue as job_queue
from .. import slots
from ..formats import plural
from ..frame import Crumb, Page, blueprint, render
from ..presenters import queue_page

MOST_ROWS = 50
WAITING = (JobState.QUEUED, JobState.PENDING_APPROVAL)


@page(blueprint, "/queue", permission=("queue.view", "queue.view.all"))
def queue() -> str:
    """Show what waits, in the order in which it starts, and what holds each job."""
    viewer = current_viewer()
    mine = request.args.get("show") == "mine"
    user_id = viewer.user_id if mine else None
    found = job_queue.entries(viewer, (*ACTIVE, *WAITING), user_id=user_id, limit=MOST_ROWS)
    waiting = [entry for entry in found if entry.job.state in WAITING]
    active = [entry for entry in found if entry.job.state in ACTIVE]
    waits, runs, asks = job_queue.totals(viewer, user_id)
    in_force = limits.current()
    return render(
        "queue/queue.html",
        Page("Job Queue", "queue", (Crumb("Cloud"), Crumb("Job Queue"))),
        waiting=queue_page.waiting(viewer, waiting, forecast.starts()),
        active=queue_page.active(active, job_history.current_attempts([e.job for e in active])),
        counted=_counted(waits, runs, asks, in_force["enable_fair_share"]),
        paused=in_force["paused"],
        may_manage=viewer.may("queue.manage"),
        sees_all=viewer.may("queue.view.all"),
        mine=mine,
        more=max(waits + runs + asks - len(found), 0),
        limits=queue_page.limits(in_force, runs, queue_page.held_by_limit(waiting)),
        shares=share_list.of(viewer) if in_force["enable_fair_share"] else [],
        half_life=f"{settings.value('queue.share_half_life_days'):g}",
        fair=in_force["enable_fair_share"],
        panels=slots.panels("queue", viewer, None),
    )


def _counted(waits: int, runs: int, asks: int, fair: bool) -> str:
    wait = f"{plural(waits, 'job waits', 'jobs wait')}, {runs} {'runs' if runs == 1 else 'run'}"
    needs = f", {plural(asks, 'needs', 'need')} approval" if asks else ""
    order = "priority, then who used least, then time" if fair else "priority, then time"
    return f"{wait}{needs}. Order: {order}."
