"""The page Audit Log: filters, entries with what changed, checks, archives, exports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request

from st_core.api.routing import page
from st_core.clock import now
from st_core.contracts import NavItem
from st_core.errors import StError
from st_core.services import settings

from . import ledger, reading, standing
from .api import MAY, blueprint
from .reading import Wanted

URL = "/audit"
NAV_ITEMS = [NavItem("Audit Log", URL, icon="journal-text", order=40, permission=MAY)]
PAGE = {
    "title": "Audit Log",
    "current": f"audit:{URL}",
    "crumbs": [{"word": "Audit Log", "url": ""}],
    "narrow": False,
}
ROWS = 25
FILTERS = ("q", "event_type", "result", "since", "until", "actor_id", "target_type", "target_id")
#: Most findings of a check, and most archives, that are shown.
MOST_SHOWN = 10


@page(blueprint, URL, permission=MAY)
def audit_log() -> str:
    """Show entries that fit the address, the newest first; `entry` opens one of them."""
    asked = {name: request.args.get(name, "").strip() for name in FILTERS}
    problem = ""
    try:
        wanted = _wanted(asked)
    except (StError, ValueError) as error:
        wanted, problem = Wanted(), getattr(error, "detail", str(error))
    before, after = _number("before"), _number("after")
    found = reading.page(wanted, ROWS, before=before, after=after)
    opened = reading.one(_number("entry") or 0)
    return render_template(
        "audit/log.html",
        page=PAGE,
        rows=[_row(row) for row in found.rows],
        opened=_opened(opened) if opened else None,
        asked=asked,
        problem=problem,
        check=_check(),
        most=MOST_SHOWN,
        archives=standing.archived(MOST_SHOWN),
        newest=ledger.read().number,
        kinds=reading.known_types(),
        total=found.total,
        days=settings.value("audit.retention_days"),
        is_empty=not any(asked.values()) and not found.rows,
        query=urlencode({name: value for name, value in asked.items() if value}),
        export=_export(asked) if not problem else "",
        at=_at(before, after),
        older=found.older,
        newer=found.newer,
        drawn_at=now(),
    )


def _wanted(asked: Mapping[str, str]) -> Wanted:
    """Return the filter of an address. Raises StError or ValueError for what makes no sense."""
    kind = asked["event_type"]
    return Wanted(
        event_types=(reading.event_type(kind),) if kind else (),
        actor_id=_id(asked["actor_id"]),
        target_type=asked["target_type"] or None,
        target_id=asked["target_id"] or None,
        since=_moment(asked["since"]),
        until=_moment(asked["until"]),
        q=asked["q"][:200],
        refused=asked["result"] == "refused" if asked["result"] else None,
    )


def _moment(text: str) -> datetime | None:
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=now().tzinfo) if moment and not moment.tzinfo else moment


def _number(name: str) -> int | None:
    return _id(request.args.get(name, "").strip())


def _id(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _export(asked: Mapping[str, str]) -> str:
    """Return the filters as an export takes them: it knows no times without a `T`."""
    given = {name: value for name, value in asked.items() if value}
    for name in ("since", "until"):
        if moment := _moment(asked[name]):
            given[name] = moment.isoformat()
    return urlencode(given)


def _check() -> dict[str, Any] | None:
    """Return what a check found, when the address asks for one."""
    if not request.args.get("check"):
        return None
    try:
        found = standing.check(_number("start_id"), _number("end_id"))
    except StError as error:
        return {"problem": error.detail}
    report = found.report
    doubtful = min((each.since for each in report.findings), default=None)
    return {"problem": "", "found": found, "report": report, "from": doubtful}


def _at(before: int | None, after: int | None) -> str:
    """Return where in the list the page is, as its links keep it."""
    return urlencode({n: v for n, v in (("before", before), ("after", after)) if v is not None})


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        moment = datetime.fromisoformat(row["timestamp"])
    except ValueError:  # somebody changed it
        moment = None
    return {**row, "moment": moment, "refused": reading.is_refusal(row["event_type"])}


def _opened(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with its parts as lines people can compare."""
    shown = {name: reading.json_of(row[name]) for name in ("details", "before", "after")}
    before, after = shown["before"] or {}, shown["after"] or {}
    names = sorted({*before, *after})
    changes = [
        (name, _word(before.get(name)), _word(after.get(name)), before.get(name) != after.get(name))
        for name in names
    ]
    details = [(name, _word(value)) for name, value in sorted((shown["details"] or {}).items())]
    return {**row, "changes": changes, "facts": details}


def _word(value: Any) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value, ensure_ascii=False)
