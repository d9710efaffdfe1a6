"""The page that submits a job: what to run, where, and what every gate would say to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for

from ...api.guard import current_viewer
from ...api.routing import page
from ...contracts import Hardware, Viewer
from ...errors import StError
from ...models import Job
from ...services import (
    configs,
    jobs,
    placement,
    registries,
    settings,
    starting_points,
    submission,
)
from ...services.submission import Draft
from .. import formats, slots
from ..frame import Crumb, Page, blueprint, render
from ..presenters import config_page, gate_trail

MOST_CONFIGS = 300
MOST_JOBS = 20


@dataclass(frozen=True)
class Offer:
    """A provider and a kind of machine it has."""

    provider: str
    hardware: str
    word: str
    chosen: bool


@page(blueprint, "/jobs/new", permission="job.submit")
def new_job() -> str:
    """Show the form that submits a job, filled from a config or from an earlier job."""
    viewer = current_viewer()
    again = _job(viewer, "again")
    source = _job(viewer, "start_from")
    saved = configs.page(viewer, limit=MOST_CONFIGS) if viewer.may("config.view") else []
    name = request.args.get("config") or (again.config_name if again else "")
    if not again and name not in {one.name for one in saved}:
        name = saved[0].name if saved else ""
    offers = _offers(again)
    return render(
        "jobs/new.html",
        Page(
            "Submit a job",
            "jobs",
            (Crumb("Cloud"), Crumb("Jobs", url_for("web.jobs")), Crumb("Submit")),
        ),
        configs=[(one.name, config_page.short_title(one.trainer)) for one in saved],
        chosen="" if again else name,
        again=_snapshot(again) if again else None,
        offers=offers,
        providers={p.name: p.title for p in registries.providers().values()},
        sources=_checkpoints(source) if source else [],
        source_id=source.id if source else None,
        teams=placement.choices(viewer),
        may_prioritise=viewer.may("queue.manage") or viewer.may("job.priority.high"),
        time_limit=_time_limit(again),
        max_attempts=again.max_attempts if again else settings.value("jobs.max_attempts"),
        trail=_dry_run(viewer, name, again, offers, source),
        has_trainers=bool(registries.trainers()),
        panels=slots.panels("submit", viewer, None),
    )


def _job(viewer: Viewer, parameter: str) -> Job | None:
    asked = request.args.get(parameter)
    return jobs.get(viewer, asked) if asked else None


def _snapshot(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.name,
        "config_name": job.config_name,
        "trainer": job.trainer,
        "text": config_page.written(job.config),
    }


def _offers(again: Job | None) -> list[Offer]:
    offers = [
        Offer(provider.name, kind.id, f"{provider.title}: {_kind(kind)}", chosen=False)
        for provider in registries.providers().values()
        for kind in provider.hardware()
    ]
    wanted = (again.provider, again.hardware) if again else None
    at = next((n for n, o in enumerate(offers) if (o.provider, o.hardware) == wanted), 0)
    return [Offer(o.provider, o.hardware, o.word, chosen=n == at) for n, o in enumerate(offers)]


def _kind(kind: Hardware) -> str:
    memory = f", {formats.memory(kind.memory_bytes)}" if kind.memory_bytes else ""
    count = f", {kind.count} of them" if kind.count > 1 else ""
    price = ""
    if kind.cost_per_hour_usd:
        price = f", {formats.money(kind.cost_per_hour_usd, exact=True)} per hour"
    return f"{kind.name}{memory}{count}{price}{'' if kind.available else ', not available now'}"


def _checkpoints(source: Job) -> list[tuple[str, str]]:
    found = reversed(starting_points.checkpoints(source))
    return [(one.path, f"step {one.step:,}, {formats.file_size(one.size_bytes)}") for one in found]


def _time_limit(again: Job | None) -> str:
    seconds = again.time_limit_seconds if again else settings.value("jobs.time_limit_seconds")
    return f"{seconds / 60:g}" if seconds else ""


def _dry_run(
    viewer: Viewer, name: str, again: Job | None, offers: list[Offer], source: Job | None
) -> list[gate_trail.GateLine]:
    if not name and not again:
        return []
    offer = next((one for one in offers if one.chosen), None)
    draft = Draft(
        provider=offer.provider if offer else "",
        hardware=offer.hardware if offer else None,
        config=again.config if again else None,
        config_to_load=None if again else name,
        config_name=again.config_name if again else None,
        trainer=again.trainer if again else None,
        start_from_job=str(source.id) if source else None,
    )
    try:
        return gate_trail.of_results(submission.dry_run(viewer, draft))
    except StError as error:
        return gate_trail.failed(error)
