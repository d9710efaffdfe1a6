"""The page Administration → Quotas: one type at a time, who may how much, and setting a ceiling."""

from __future__ import annotations

import json
from typing import Any

from flask import render_template, request
from sqlalchemy import func, select

from st_core.api.guard import current_viewer
from st_core.api.routing import page
from st_core.clock import now
from st_core.contracts import NavItem, Viewer
from st_core.db import db
from st_core.models import Level, User
from st_core.services import decisions

from .api import READ, WRITE, blueprint
from .kinds import ACTIONS, KINDS, Measure
from .policy import POLICY
from .tree import Line, Tree

URL = "/admin/quotas"
NAV_ITEMS = [NavItem("Quotas", URL, icon="speedometer2", group="admin", order=30, permission=READ)]
PAGE = {
    "title": "Quotas",
    "current": f"quotas:{URL}",
    "crumbs": [{"word": "Administration", "url": ""}, {"word": "Quotas", "url": ""}],
    "narrow": False,
}
MOST_CHOICES = 500


@page(blueprint, URL, permission=READ)
def quotas() -> str:
    """Show the ceilings of one type; `for` names whose is to be set."""
    viewer = current_viewer()
    kind = KINDS.get(request.args.get("type", ""), KINDS["concurrent_jobs"])
    tree = Tree(viewer, kind)
    lines = tree.lines()
    choices = _choices(viewer, lines)
    chosen = request.args.get("for", "")
    chosen = chosen if chosen in dict(choices) else "global"
    used = [line.used or 0 for line in lines] + [line.limit or 0 for line in lines]
    return render_template(
        "quotas/quotas.html",
        page=PAGE,
        kind=kind,
        kinds=KINDS.values(),
        lines=lines,
        over=tree.over_committed(),
        scale=max(*used, 1),
        is_money=kind.measure is Measure.COST,
        has_window=kind.window is not None,
        is_gpu_time=kind.measure is Measure.GPU_HOURS,
        actions=ACTIONS,
        may_set=viewer.may(WRITE),
        may_try=viewer.may("admin.config"),
        choices=choices,
        chosen=chosen,
        chosen_row=next((line.row for line in lines if line.key == chosen), None),
        document=_document() if viewer.may("admin.config") else "",
        drawn_at=now(),
    )


def _choices(viewer: Viewer, lines: list[Line]) -> list[tuple[str, str]]:
    """Return whose ceiling can be set: everybody's, a level's, or one of organisations, teams and
    people."""
    if not viewer.may(WRITE):
        return []
    person = func.coalesce(User.display_name, User.username)
    levels = select(Level.id, Level.name).order_by(Level.priority)
    people = select(User.id, person).where(User.is_active).order_by(func.lower(person))
    circles = [(line.key, line) for line in lines if line.key.startswith(("org", "team"))]
    return [
        ("global", "Everybody, each"),
        *(
            (f"level:{number}", f"Level {name}, each")
            for number, name in db.session.execute(levels)
        ),
        *((key, f"{line.sub.split(',')[0].capitalize()} {line.title}") for key, line in circles),
        *(
            (f"user:{number}", f"Person {name}")
            for number, name in db.session.execute(people.limit(MOST_CHOICES))
        ),
    ]


def _document() -> str:
    """Return what is in force, as text to try out changes of."""
    document: dict[str, Any] = decisions.in_force(POLICY)[0]
    return json.dumps(document, indent=2, ensure_ascii=False)
