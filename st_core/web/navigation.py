"""The sidebar and who sits in front of it: only places that exist and that the viewer may open."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app, g, has_request_context, request, url_for

from ..api import cookies
from ..clock import now
from ..contracts import NavItem, Viewer
from ..plugins import current_plugins
from ..services import overview, sessions
from ..services.org_view import SEES_ALL
from . import formats

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Crumb:
    """One step of the way to a page."""

    word: str
    url: str = ""


@dataclass(frozen=True)
class Page:
    """What the frame of a page needs: its title, its place in the sidebar, the way to it."""

    title: str
    current: str
    crumbs: tuple[Crumb, ...]
    narrow: bool = False


@dataclass(frozen=True)
class Item:
    """One link of the sidebar."""

    id: str
    label: str
    url: str
    icon: str
    count: str = ""
    shortcut: str = ""


@dataclass(frozen=True)
class Group:
    """Links under one heading."""

    id: str
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Place:
    """A page of the core: where it stands and which permission opens it, one of several."""

    id: str
    group: str
    label: str
    endpoint: str
    icon: str
    permissions: tuple[str, ...] = ()
    shortcut: str = ""
    #: Whoever holds one of these finds the page elsewhere.
    unless: tuple[str, ...] = ()

    def is_for(self, viewer: Viewer) -> bool:
        """Tell whether the viewer finds the page here."""
        opens = not self.permissions or any(map(viewer.may, self.permissions))
        return opens and not any(map(viewer.may, self.unless))


SIGN_OUT = "/api/auth/logout"
GROUPS = {"cloud": "Cloud", "work": "Work", "admin": "Administration"}
ADMINISTER = ("admin.config", "admin.users", "admin.levels", *SEES_ALL)
SEES_JOBS = ("job.view.own", "job.view.all")
PLACES = (
    Place("jobs", "cloud", "Jobs", "web.jobs", "list-task", SEES_JOBS, "g j"),
    Place("queue", "cloud", "Job Queue", "web.queue", "hourglass-split", ("queue.view",), "g q"),
    Place("settings", "cloud", "Settings", "web.settings", "sliders2", ("admin.config",)),
    Place(
        "configs", "work", "Configs", "web.configs", "file-earmark-code", ("config.view",), "g c"
    ),
    Place("orgs", "work", "Orgs", "web.orgs", "diagram-3", ("org.view",), "", SEES_ALL),
    Place("system", "work", "System", "web.system", "gpu-card", ("queue.view",)),
    Place("auth", "admin", "Auth", "web.auth", "shield-lock", ("admin.config",)),
    Place("users", "admin", "Users", "web.users", "people", ("admin.users",), "g u"),
    Place("levels", "admin", "Levels", "web.levels", "bar-chart-steps", ("admin.levels",)),
    Place("orgs", "admin", "Orgs", "web.orgs", "diagram-3", SEES_ALL),
    Place("decisions", "admin", "Decisions", "web.decision_list", "signpost-2", ("admin.audit",)),
    Place("what_if", "admin", "What if", "web.policies_tried", "clock-history", ("admin.config",)),
    Place("setup", "admin", "Set-up", "web.setup", "flag", ("admin.config",)),
    Place("plugins", "admin", "Plugins", "web.plugins", "plug", ("admin.config",)),
)


@dataclass(frozen=True)
class Shell:
    """The frame around every page. `may` is what scripts ask before they offer something."""

    name: str
    role: str
    groups: tuple[Group, ...]
    may: tuple[str, ...]
    event_number: int
    via: str = "session"
    sign_out_url: str = SIGN_OUT
    events_url: str = "/api/events"
    drawn_at: datetime = field(default_factory=now)

    @property
    def initials(self) -> str:
        """Return the letters of the avatar."""
        return "".join(word[0] for word in self.name.split()[:2]).upper() or "?"


def shell_for(viewer: Viewer) -> Shell:
    """Return the frame for `viewer`."""
    counted = overview.counts(viewer)
    counts = {
        "jobs": f"{counted.active} active" if counted.active else "",
        "queue": formats.number(counted.queued) if counted.queued else "",
    }
    via = {"local": "this machine", "api_key": "API key", "network": "internal network"}.get(
        viewer.via, ""
    )
    level = (viewer.levels[0] if viewer.levels else "no level").capitalize()
    return Shell(
        name=viewer.display_name,
        role=" · ".join(word for word in (level, via) if word),
        groups=tuple(_groups(viewer, counts)),
        may=tuple(sorted(viewer.permissions)),
        event_number=counted.event_number,
        via=viewer.via,
        sign_out_url=_sign_out_url(),
    )


def _sign_out_url() -> str:
    """Return the API's address that ends this session.

    A kind of provider that can end its own session as well answers to
    `POST /api/auth/external/<kind>/logout` with a `logout_url` to go on to.
    """
    token = cookies.session_token(request)
    live = sessions.live(token) if token else None
    own = f"/api/auth/external/{live.method if live else ''}/logout"
    known = any(rule.rule == own for rule in current_app.url_map.iter_rules())
    return own if known else SIGN_OUT


def current_shell() -> Shell | None:
    """Return the frame for whoever is calling, None when nobody is; made once per request."""
    if not has_request_context() or g.get("st_viewer") is None:
        return None
    if "shell" not in g:
        g.shell = shell_for(g.st_viewer)
    shell: Shell = g.shell
    return shell


def _groups(viewer: Viewer, counts: dict[str, str]) -> Iterator[Group]:
    """Yield the headings with their links; Administration only for whoever administers something:
    what others may open of it stands under Work."""
    administers = any(map(viewer.may, ADMINISTER))
    items: dict[str, list[Item]] = {id_: [] for id_ in GROUPS}

    def put(group: str, item: Item) -> None:
        items["work" if group == "admin" and not administers else group].append(item)

    for p in PLACES:
        if p.is_for(viewer):
            told = counts.get(p.id, "")
            put(p.group, Item(p.id, p.label, url_for(p.endpoint), p.icon, told, p.shortcut))
    for plugin, item in _plugin_items(viewer):
        put(item.group, Item(f"{plugin}:{item.url}", item.label, item.url, item.icon))
    for id_, title in GROUPS.items():
        if items[id_]:
            yield Group(id_, title, tuple(items[id_]))


def _plugin_items(viewer: Viewer) -> list[tuple[str, NavItem]]:
    """Return the plugins' links the viewer may open; a plugin that fails is logged and left out."""
    plugins, found = current_plugins(), []
    for name in plugins.implementers("st_nav_items"):
        try:
            items = plugins.call(name, "st_nav_items", viewer=viewer) or ()
        except Exception:
            log.exception("hook st_nav_items of %s failed", name)
            continue
        found += [
            (name, item) for item in items if not item.permission or viewer.may(item.permission)
        ]
    return sorted(found, key=lambda pair: pair[1].order)
