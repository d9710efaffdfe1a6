"""What the URL of the job list asks for: filters and order, and the links that change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for

from ...clock import now
from ...errors import Malformed
from ...services import job_list, registries
from ...services.job_list import JobFilter
from ..words import JOB_STATES, STATES
from .config_page import short_titles

NAMES = ("q", "status", "trainer", "provider", "since", "until", "config", "user")
SORTED_BY_DEFAULT = "-created_at"
PERIODS = {"today": "Today", "7d": "Last 7 days", "30d": "Last 30 days"}
#: What a list without one of its filters is called.
WIDER = {
    "q": "Any words",
    "status": "Any status",
    "trainer": "Any trainer",
    "provider": "Any provider",
    "since": "Any time",
    "until": "Any time",
    "config": "Any config",
    "user": "Any person",
}


class Asked(dict[str, Any]):
    """The filters that are set, and `sort`; one that is not set reads empty."""

    def __missing__(self, key: str) -> str:
        return ""

    @property
    def filters(self) -> list[str]:
        """Name the filters that are set."""
        return [name for name in NAMES if name in self]

    @property
    def sort(self) -> str:
        """Return what the list is sorted by, with a minus in front when descending."""
        return str(self["sort"] or SORTED_BY_DEFAULT)

    def without(self, name: str) -> Asked:
        """Return the same without one filter."""
        return Asked({key: value for key, value in self.items() if key != name})


@dataclass(frozen=True)
class Select:
    """A filter with a few values: name, label, the words for any, what there is, what is set."""

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
    asked: Asked

    def url(self, key: str) -> str:
        """Return the list sorted by `key`."""
        descending = not self.descending if key == self.key else key == "created_at"
        return url_for("web.jobs", **{**self.asked, "sort": f"{'-' if descending else ''}{key}"})


def read(arguments: Mapping[str, str]) -> Asked:
    """Return what a query string asks for."""
    found = {name: arguments.get(name, "").strip() for name in (*NAMES, "sort")}
    return Asked({name: value for name, value in found.items() if value})


def wanted(asked: Asked) -> JobFilter:
    """Return the filter of the service. Raises Malformed for a value that cannot be one."""
    words = str(asked["status"]).split(",")
    return JobFilter(
        statuses=tuple(job_list.status_of(word) for word in words if word),
        trainer=asked.get("trainer"),
        provider=asked.get("provider"),
        config_name=asked.get("config"),
        user_id=_whole(asked, "user"),
        q=asked.get("q"),
        since=_moment(asked, "since"),
        until=_moment(asked, "until"),
        sort=asked.sort.lstrip("-"),
        descending=asked.sort.startswith("-"),
    )


def sorting(asked: Asked) -> Sorting:
    """Return the order of the list."""
    return Sorting(asked.sort.lstrip("-"), asked.sort.startswith("-"), asked)


def selects(asked: Asked) -> list[Select]:
    """Return the filters that have few values; one with a single value is left out."""
    states = [(state, STATES[state].word) for state in JOB_STATES]
    trainers = list(short_titles().items())
    providers = [(p.name, p.title) for p in registries.providers().values()]
    found = [
        Select("status", "Status", "Any status", [*states, ("starting,running", "Active")], ""),
        Select("trainer", "Trainer", WIDER["trainer"], trainers, ""),
        Select("provider", "Provider", WIDER["provider"], providers, ""),
        Select("since", "Time", "Any time", list(PERIODS.items()), ""),
    ]
    return [
        Select(one.name, one.label, one.any, one.options, asked[one.name])
        for one in found
        if len(one.options) > 1
    ]


def wider(asked: Asked) -> list[tuple[str, str]]:
    """Return links that drop one filter each, and one that drops all."""
    links = [
        (WIDER[name], url_for("web.jobs", **asked.without(name)))
        for name in asked.filters
        if len(asked.filters) > 1
    ]
    return [*links, ("Remove all filters", url_for("web.jobs"))]


def _whole(asked: Asked, name: str) -> int | None:
    value = asked.get(name)
    if value is None:
        return None
    if not value.isdecimal() or len(value) > 9:
        raise Malformed(f"{name} must be a number, not {value!r}.")
    return int(value)


def _moment(asked: Asked, name: str) -> datetime | None:
    value = asked.get(name)
    if value is None:
        return None
    if value == "today":
        return now().replace(hour=0, minute=0, second=0, microsecond=0)
    if value in PERIODS:
        return now() - timedelta(days=int(value.removesuffix("d")))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Malformed(f"{name} must be a day such as 2026-11-01, not {value!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
