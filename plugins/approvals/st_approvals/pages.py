"""The pages Approvals (requests, decided, rules, delegation), and the panel on a job's page."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from st_core.api.guard import current_viewer
from st_core.api.routing import SIGNED_IN, page
from st_core.clock import now
from st_core.contracts import JobState, NavItem, Section, Viewer
from st_core.db import db
from st_core.models import Job
from st_core.services import levels, registries, users

from . import delegations, inbox, insight, lines, rendering, rules, voices
from .conditions import CONDITIONS
from .models import ApprovalsRequest
from .requests import STATUSES
from .rules_api import READ, WRITE, blueprint

URL = "/approvals"
ROWS = 25
MOST_OPEN = 200


def nav_items(viewer: Viewer) -> list[NavItem]:
    """Return the link for those who decide, be it in another's place."""
    decides = any(map(viewer.may, voices.RIGHTS)) or delegations.delegators(viewer.user_id)
    item = NavItem("Approvals", URL, icon="person-check", group="admin", order=20)
    return [item] if decides else []


def sections(name: str, viewer: Viewer, subject: Any) -> list[Section]:
    """Return the panel that tells what was asked about a job."""
    if name != "job":
        return []
    query = db.select(ApprovalsRequest).where(ApprovalsRequest.job_id == subject.id)
    newest = db.session.scalar(query.order_by(ApprovalsRequest.id.desc()).limit(1))
    if newest is None:
        return []
    context = {
        "request": rendering.request(newest),
        "decides": inbox.decides(viewer, newest),
        "url": f"{URL}?request={newest.id}",
        "looks": lines.LOOKS,
    }
    return [Section("approvals/job.html", context, "Approval", "side", 5)]


@page(blueprint, URL, permission=SIGNED_IN)
def open_requests() -> str:
    """Show what waits for the viewer, the one that ends first on top; `request` opens one."""
    viewer = current_viewer()
    found = inbox.listed(viewer, status="pending", limit=MOST_OPEN)
    waiting = sorted(found.requests, key=lambda one: one.expires_at)
    asked = _number("request") or (waiting[0].id if waiting else 0)
    chosen = next((one for one in waiting if one.id == asked), None)
    if chosen is None and asked:
        chosen = inbox.get(viewer, asked)
    return _render(
        "requests",
        found.pending_count,
        waiting=[lines.line(one) for one in waiting],
        chosen=_chosen(viewer, chosen) if chosen else None,
        median_seconds=inbox.median_answer_seconds(viewer),
    )


@page(blueprint, f"{URL}/decided", permission=SIGNED_IN)
def decided() -> str:
    """Show what was decided, the newest first."""
    viewer = current_viewer()
    status = request.args.get("status", "")
    status = status if status in STATUSES[1:] else ""
    offset = _number("offset")
    found = inbox.decided(viewer, status=status or None, limit=ROWS, offset=offset)
    asked = f"status={status}&offset="
    more = offset + len(found.requests) < found.total
    return _render(
        "decided",
        found.pending_count,
        rows=[lines.line(one) for one in found.requests],
        total=found.total,
        status=status,
        statuses=STATUSES[1:],
        newer=f"{URL}/decided?{asked}{max(offset - ROWS, 0)}" if offset else None,
        older=f"{URL}/decided?{asked}{offset + ROWS}" if more else None,
        shown=f"{offset + 1 if found.requests else 0} to {offset + len(found.requests)}",
    )


@page(blueprint, f"{URL}/rules", permission=READ)
def rule_list() -> str:
    """Show the rules in the order in which they are tried; `rule` opens one to change it."""
    viewer = current_viewer()
    number = _number("rule")
    return _render(
        "rules",
        inbox.pending_count(viewer),
        rules=[lines.rule(one) for one in rules.all_rules()],
        chosen=rules.get(number) if number else None,
        may_write=viewer.may(WRITE),
        conditions=CONDITIONS.values(),
        levels=sorted(levels.priorities(), key=levels.priorities().__getitem__),
        providers=sorted(registries.providers()),
    )


@page(blueprint, f"{URL}/delegation", permission=SIGNED_IN)
def delegation() -> str:
    """Show who decides in whose place, and let the viewer name somebody."""
    viewer = current_viewer()
    return _render(
        "delegation",
        inbox.pending_count(viewer),
        rows=rendering.delegations(delegations.listed(viewer)),
        may_delegate=viewer.may(delegations.RIGHT),
        may_end_all=viewer.may(WRITE),
        own_id=viewer.user_id,
        most_days=delegations.LONGEST.days,
    )


def _render(tab: str, pending: int, **context: Any) -> str:
    shown = {
        "title": "Approvals",
        "current": f"approvals:{URL}",
        "crumbs": [{"word": "Administration", "url": ""}, {"word": "Approvals", "url": ""}],
        "narrow": False,
    }
    may_read = current_viewer().may(READ)
    return render_template(
        f"approvals/{tab}.html",
        page=shown,
        tab=tab,
        pending=pending,
        rule_count=len(rules.all_rules()) if may_read else None,
        looks=lines.LOOKS,
        drawn_at=now(),
        **context,
    )


def _chosen(viewer: Viewer, row: ApprovalsRequest) -> dict[str, Any]:
    """Return everything an approver sees of one request."""
    job = db.session.get(Job, row.job_id)
    waits = job is not None and job.state is JobState.PENDING_APPROVAL and inbox.is_open(row)
    earlier = insight.last_approved(row, job) if job else None
    return {
        "request": rendering.request(row),
        "job": job,
        "person": users.display_names([row.user_id]).get(row.user_id or 0, row.username),
        "may": waits and inbox.decides(viewer, row) and not _is_own(viewer, row),
        "is_own": _is_own(viewer, row),
        "earlier": earlier,
        "diff": lines.diff(earlier) if earlier else (),
        "summary": lines.in_words(earlier) if earlier else "",
        "record": insight.record(row),
        "waiting": insight.waiting(row, job) if waits and job else None,
    }


def _is_own(viewer: Viewer, row: ApprovalsRequest) -> bool:
    return voices.is_own_job(viewer.user_id, row)


def _number(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
