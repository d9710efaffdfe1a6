"""The list of jobs."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from ...api.guard import current_viewer
from ...api.routing import SIGNED_IN, page
from ...contracts import Viewer
from ...services import job_list, overview, registries, settings
from ..formats import number, plural
from ..frame import Crumb, Page, blueprint, render
from ..navigation import SEES_JOBS
from ..presenters import config_page, job_filters
from ..presenters import job_list as presenter
from ..presenters.job_filters import Asked

PAGE_ROWS = 25
MOST_EXPLAINED = 2


@page(blueprint, "/", permission=SIGNED_IN)
def home() -> Response:
    """Lead to the jobs."""
    return redirect(url_for("web.jobs"))


@page(blueprint, "/jobs", permission=SEES_JOBS)
def jobs() -> str:
    """Show the jobs the viewer may see, filtered as the URL says."""
    viewer, asked = current_viewer(), job_filters.read(request.args)
    cursor = request.args.get("cursor") or None
    wanted = job_filters.wanted(asked)
    found = job_list.page(viewer, wanted, limit=PAGE_ROWS, cursor=cursor)
    counts = overview.counts(viewer)
    is_new = not found.rows and not asked.filters and cursor is None
    most = settings.value("queue.max_concurrent")
    return render(
        "jobs/list.html",
        Page("Jobs", "jobs", (Crumb("Cloud"), Crumb("Jobs"))),
        rows=presenter.rows(found.rows, config_page.short_titles()),
        counted=_counted(found, counts.active, filtered=bool(asked.filters)),
        tiles=presenter.tiles(counts, overview.recent(viewer), most) if found.rows else [],
        selects=job_filters.selects(asked),
        chips=presenter.chips(asked),
        asked=asked,
        sorting=job_filters.sorting(asked),
        shown=_shown(found),
        previous_url=found.previous and url_for("web.jobs", **asked, cursor=found.previous),
        next_url=found.next and url_for("web.jobs", **asked, cursor=found.next),
        shows_cost=any(row.job.cost_usd or row.job.estimated_cost_usd for row in found.rows),
        is_new=is_new,
        has_sample="tiny_trainer" in registries.trainers(),
        may_submit=viewer.may("job.submit"),
        nothing=presenter.nothing(asked, _others(viewer, asked)) if not found.rows else "",
        wider=job_filters.wider(asked),
    )


def _others(viewer: Viewer, asked: Asked) -> list[tuple[str, int]]:
    """Return how many jobs there would be without one of the filters, for the first few."""
    names = asked.filters if len(asked.filters) > 1 else []
    return [
        (name, job_list.count(viewer, job_filters.wanted(asked.without(name)))[0])
        for name in names[:MOST_EXPLAINED]
    ]


def _counted(found: job_list.Page, active: int, *, filtered: bool) -> str:
    exact = plural(found.total, "job")
    total = exact if found.total_is_exact else f"more than {exact}"
    if filtered:
        return f"{total[:1].upper()}{total[1:]} {'matches' if found.total == 1 else 'match'}."
    return f"{number(active)} active of {total}."


def _shown(found: job_list.Page) -> str:
    total = number(found.total) if found.total_is_exact else f"more than {number(found.total)}"
    return f"{len(found.rows)} of {total}"
