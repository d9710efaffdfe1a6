"""The page Administration → Rules: every rule with the levels it governs, and the tester."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import render_template, request

from st_core.api.routing import page
from st_core.contracts import NavItem
from st_core.errors import StError
from st_core.services import levels, registries

from . import rows, trying
from .api import ALL, blueprint
from .document import TYPES
from .event_types import MAY
from .rows import Ruled

URL = "/admin/rules"
NAV_ITEMS = [NavItem("Rules", URL, icon="signpost-split", group="admin", order=40, permission=MAY)]
PAGE = {
    "title": "Rules",
    "current": f"resource_rules:{URL}",
    "crumbs": [{"word": "Administration", "url": ""}, {"word": "Rules", "url": ""}],
    "narrow": False,
}
TITLES = {
    "config": "Config",
    "hardware": "Hardware",
    "provider": "Provider",
    "output_path": "Output path",
}
ROWS = 50
FILTERS = ("q", "resource_type", "level", "action")
ASKED = ("who", "config_name", "hardware", "provider", "output_path")


@page(blueprint, URL, permission=MAY)
def rules_page() -> str:
    """Show rules as the address filters them, and what the tester says to what stands in it."""
    wanted = {name: request.args.get(name, "").strip() for name in FILTERS}
    asked = {name: request.args.get(name, "").strip()[:200] for name in ASKED}
    found = rows.in_order()
    fitting = [each for each in found if _fits(each, wanted)]
    first = (max(request.args.get("page", 1, type=int), 1) - 1) * ROWS
    names = [level.name for level in levels.all_levels()]
    tried, problem = _tried(asked, names)
    return render_template(
        "resource_rules/rules.html",
        page=PAGE,
        form=_form(request.args.get("edit", "")),
        rules=fitting[first : first + ROWS],
        shown=f"{first + 1} to {min(first + ROWS, len(fitting))} of {len(fitting)}",
        previous_url=_url(wanted, first // ROWS) if first else "",
        next_url=_url(wanted, first // ROWS + 2) if first + ROWS < len(fitting) else "",
        count=len(found),
        wanted=wanted,
        asked=asked,
        tried=tried,
        problem=problem,
        titles=TITLES,
        types=TYPES,
        levels=[(level.name, level.id) for level in levels.all_levels()],
        providers=sorted(registries.providers()),
    )


def _url(wanted: dict[str, str], number: int) -> str:
    """Return the address of a page of the list."""
    kept = {name: value for name, value in wanted.items() if value}
    return f"{URL}?{urlencode({**kept, 'page': number})}"


def _form(which: str) -> dict[str, Any] | None:
    """Return what the form shows: a new rule, the one of this number, or no form at all."""
    if which == "new":
        blank: dict[str, Any] = {
            "pattern": "",
            "resource_type": "config",
            "action": "allow",
            "mode": "enforce",
        }
        blank |= {"name": "", "priority": 0, "description": "", "levels": []}
        return {**blank, "title": "Make a rule", "url": ALL, "method": "POST", "word": "Make it"}
    if not which.isdecimal() or len(which) > 9:
        return None
    rule, held = rows.one(int(which))
    return {
        **rows.described(rule, held),
        "title": f"Change {rule.name}",
        "url": f"{ALL}/{rule.id}",
        "method": "PUT",
        "word": "Save the rule",
    }


def _fits(ruled: Ruled, wanted: dict[str, str]) -> bool:
    rule, held = ruled
    text = f"{rule.name} {rule.pattern} {rule.description}".lower()
    level = wanted["level"]
    return (
        wanted["q"].lower() in text
        and wanted["resource_type"] in ("", rule.resource_type)
        and wanted["action"] in ("", rule.action)
        and (not level or level in held or (level == "-" and not held))
    )


def _tried(asked: dict[str, str], names: list[str]) -> tuple[trying.Tried | None, str]:
    """Return what the tester says, or why it cannot; nothing while nobody was named."""
    who = asked["who"]
    if not who:
        return None, ""
    what = {**asked, "output_path": asked["output_path"] or None}
    try:
        return trying.try_out([who] if who in names else trying.levels_of(who), what), ""
    except StError as error:
        return None, error.detail
