"""Permissions: the catalogue with its default levels (guide section 10), and the one way to
demand one."""

from __future__ import annotations

from collections.abc import Iterable

from ..contracts import Permission, Viewer
from ..errors import NotAllowed

VIEWER = ("viewer", "researcher", "lead", "admin")
RESEARCHER = ("researcher", "lead", "admin")
LEAD = ("lead", "admin")
ADMIN = ("admin",)

#: name → (what it lets one do, levels that hold it by default). A permission exists here even
#: while the
#: plugin that will ask for it is switched off.
_TABLE: dict[tuple[str, ...], dict[str, str]] = {
    VIEWER: {
        "job.view.own": "See your own jobs",
        "config.view": "See configs",
    },
    RESEARCHER: {
        "job.submit": "Submit jobs",
        "job.cancel.own": "Cancel your own jobs",
        "job.delete.own": "Delete your own ended jobs",
        "config.create": "Create configs",
        "config.edit.own": "Edit your own configs",
        "config.delete.own": "Delete your own configs",
        "queue.view": "See the queue and its numbers",
        "queue.cancel.own": "Take your own jobs out of the queue",
        "api.access": "Use the API",
        "api.keys.own": "Manage your own API keys",
    },
    LEAD: {
        "job.view.all": "See everyone's jobs",
        "job.priority.high": "Give jobs high priority",
        "queue.view.all": "See everyone's place in the queue",
        "queue.approve": "Release or reject jobs that wait for approval",
        "quota.view": "See quotas",
        "admin.approve": "Decide approval requests",
        "admin.audit": "Read the audit log",
        "org.view": "See organisations",
        "team.view": "See teams",
        "team.create": "Create teams",
        "team.edit": "Edit teams",
        "team.manage.members": "Manage members of teams",
        "team.manage.quotas": "Set ceilings of teams",
    },
    ADMIN: {
        "job.cancel.all": "Cancel everyone's jobs",
        "job.delete.all": "Delete everyone's ended jobs",
        "job.bypass.queue": "Skip the limits of the queue",
        "job.bypass.approval": "Skip approval",
        "job.bypass.quota": "Skip quotas",
        "config.edit.all": "Edit everyone's configs",
        "config.delete.all": "Delete everyone's configs",
        "queue.cancel.all": "Take everyone's jobs out of the queue",
        "queue.manage": "Change limits and priorities of the queue",
        "quota.manage": "Set quotas",
        "admin.users": "Manage users",
        "admin.levels": "Manage levels and their permissions",
        "admin.quotas": "Administer quotas",
        "admin.config": "Configure the server",
        "admin.queue": "Administer the queue",
        "admin.workers": "Manage workers",
        "admin.backup": "Make and restore backups",
        "admin.database": "Look after the database",
        "org.create": "Create organisations",
        "org.edit": "Edit organisations",
        "org.delete": "Delete organisations",
        "org.manage.members": "Manage members of organisations",
        "org.manage.quotas": "Set ceilings of organisations",
        "team.delete": "Delete teams",
        "api.keys.all": "Manage everyone's API keys",
    },
}

CATALOGUE: dict[str, Permission] = {
    name: Permission(name, label, levels)
    for levels, names in _TABLE.items()
    for name, label in names.items()
}

#: name → (priority, description): the guide's four levels.
LEVELS: dict[str, tuple[int, str]] = {
    "viewer": (10, "Read-only access to job history and logs."),
    "researcher": (20, "Submits jobs and manages their own API keys."),
    "lead": (30, "Approves pending jobs and sees the team's use of resources."),
    "admin": (100, "Everything, users and rules included."),
}


def defaults_of(level: str, permissions: Iterable[Permission]) -> frozenset[str]:
    """Return what `level` holds by default; an admin holds `*`."""
    if level == "admin":
        return frozenset({"*"})
    return frozenset(item.name for item in permissions if level in item.levels)


def require(viewer: Viewer, permission: str) -> None:
    """Pass when the viewer holds `permission`. Raises NotAllowed naming it and the levels that
    do."""
    if viewer.may(permission):
        return
    known = CATALOGUE.get(permission)
    holders = ", ".join(known.levels) if known else "admin"
    raise NotAllowed(
        f"Permission denied: this needs {permission}, which these levels have: {holders}. "
        "An admin can grant it to you.",
        details={"permission": permission},
    )
