"""The list of jobs, and the page that submits one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from ...api.guard import current_viewer
from ...api.routing import SIGNED_IN, page
from ...errors import Malformed
from ...services import job_list, overview, registries, settings
from ...services.job_list import JobFilter
from ..formats import number, plural
from ..frame import Crumb, Page, blueprint, render
from ..navigation import SEES_JOBS
from ..presenters import config_page
from ..presenters import job_list as presenter
from ..words import JOB_STATES, STATES

PAGE_ROWS = 25
FILTERS = ("q", "status", "trainer", "provider", "since", "until", "config", "user", "sort")
SORTED_BY_DEFAULT = "-created_at"


@dataclass(frozen=True)
class Select:
    """A filter with a few values: its name, label, the words for any, what there is, what is set."""

    name: str
    label: str
    any: str
    options: list[tuple[str, str]]
    value: str


@dataclass(frozen=True)
class Sorting:
    """What the list is sorted by; `url` sorts by another column, or turns this one round."""

    key: str
    descending: bool
    asked: Mapping[str, str]

    def url(self, key: str) -> str:
        """Return the list sorted by `key`."""
        descending = not self.descending if key == self.key else key == "created_at"
        return url_for("web.jobs", **{**self.asked, "sort": f"{'-' if descending else ''}{key}"})


@page(blueprint, "/", permission=SIGNED_IN)
def home() -> BaseResponse:
    """Lead to the jobs."""
    return redirect(url_for("web.jobs"))


@page(blueprint, "/jobs", permission=SEES_JOBS)
def jobs() -> str | Response:
    """Show the jobs the viewer may see, filtered as the URL says."""
    viewer = current_viewer()
    asked = {name: value for name in FILTERS if (value := request.args.get(name, "").strip())}
    sort = asked.get("sort", SORTED_BY_DEFAULT)
    found = job_list.page(
        viewer, wanted(asked), limit=PAGE_ROWS, cursor=request.args.get("cursor") or None
    )
    counts = overview.counts(viewer)
    is_new = not found.rows and not (set(asked) - {"sort"}) and "cursor" not in request.args
    return render(
        "jobs/list.html",
        Page("Jobs", "jobs", (Crumb("Cloud"), Crumb("Jobs"))),
        rows=presenter.rows(found.rows, config_page.short_titles()),
        counted=_counted(found, counts.active, filtered=bool(set(asked) - {"sort"})),
        tiles=[]
        if is_new
        else presenter.tiles(
            counts, overview.recent(viewer), settings.value("queue.max_concurrent")
        ),
        selects=_selects(asked),
        chips=presenter.chips(asked),
        asked=_Asked(asked),
        sorting=Sorting(sort.lstrip("-"), sort.startswith("-"), asked),
        shown=_shown(found),
        previous_url=found.previous and url_for("web.jobs", **asked, cursor=found.previous),
        next_url=found.next and url_for("web.jobs", **asked, cursor=found.next),
        shows_cost=any(row.job.cost_usd or row.job.estimated_cost_usd for row in found.rows),
        is_new=is_new,
        has_sample="tiny_trainer" in registries.trainers(),
        sample_url="/api/cloud/jobs/submit",
        may_submit=viewer.may("job.submit"),
        nothing=presenter.nothing(asked),
        wider=_wider(asked),
    )


class _Asked(dict[str, str]):
    """The set filters; one that is not set reads empty."""

    def __missing__(self, key: str) -> str:
        return ""


def wanted(asked: Mapping[str, str]) -> JobFilter:
    """Return the filter a URL asks for. Raises Malformed for a value that cannot be one."""
    sort = asked.get("sort", SORTED_BY_DEFAULT)
    return JobFilter(
        statuses=tuple(
            job_list.status_of(word) for word in asked.get("status", "").split(",") if word
        ),
        trainer=asked.get("trainer"),
        provider=asked.get("provider"),
        config_name=asked.get("config"),
        user_id=_whole(asked, "user"),
        q=asked.get("q"),
        since=_moment(asked, "since"),
        until=_moment(asked, "until"),
        sort=sort.lstrip("-"),
        descending=sort.startswith("-"),
    )


def _whole(asked: Mapping[str, str], name: str) -> int | None:
    value = asked.get(name)
    if value is None:
        return None
    if not value.isdecimal() or len(value) > 9:
        raise Malformed(f"{name} must be a number, not {value!r}.")
    return int(value)


def _moment(asked: Mapping[str, str], name: str) -> datetime | None:
    value = asked.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Malformed(f"{name} must be a day such as 2026-11-01, not {value!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _selects(asked: Mapping[str, str]) -> list[Select]:
    states = [(state, STATES[state].word) for state in JOB_STATES]
    states.append(("starting,running", "Active"))
    trainers = list(config_page.short_titles().items())
    providers = [(p.name, p.title) for p in registries.providers().values()]
    selects = [Select("status", "Status", "Any status", states, asked.get("status", ""))]
    if len(trainers) > 1:
        selects.append(
            Select("trainer", "Trainer", "Any trainer", trainers, asked.get("trainer", ""))
        )
    if len(providers) > 1:
        selects.append(
            Select("provider", "Provider", "Any provider", providers, asked.get("provider", ""))
        )
    return selects


def _counted(found: job_list.Page, active: int, *, filtered: bool) -> str:
    total = (
        plural(found.total, "job")
        if found.total_is_exact
        else f"more than {number(found.total)} jobs"
    )
    if filtered:
        return f"{total[:1].upper()}{total[1:]} {'matches' if found.total == 1 else 'match'}."
    return f"{number(active)} active of {total}."


def _shown(found: job_list.Page) -> str:
    total = number(found.total) if found.total_is_exact else f"more than {number(found.total)}"
    return f"{len(found.rows)} of {total}"


def _wider(asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return links that drop one filter each, and one that drops all."""
    words = {
        "q": "Any words",
        "status": "Any status",
        "trainer": "Any trainer",
        "provider": "Any provider",
        "since": "Any time",
        "until": "Any time",
        "config": "Any config",
        "user": "Any person",
    }
    set_ = [name for name in words if name in asked]
    links = [
        (words[name], url_for("web.jobs", **{k: v for k, v in asked.items() if k != name}))
        for name in set_
        if len(set_) > 1
    ]
    return [*links, ("Remove all filters", url_for("web.jobs"))]
