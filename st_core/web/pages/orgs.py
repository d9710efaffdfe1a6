"""The pages about organisations: the list, and one with its teams and members."""

from __future__ import annotations

from flask import url_for

from ...api.guard import current_viewer
from ...api.routing import page
from ...contracts import Viewer
from ...services import org_view
from .. import slots
from ..frame import Crumb, Page, blueprint, render

ROLES = {"member": "Member", "lead": "Lead", "admin": "Admin"}


def _way(viewer: Viewer, *steps: Crumb) -> tuple[Crumb, ...]:
    first = Crumb("Administration" if org_view.sees_all(viewer) else "Work")
    return (first, *steps)


@page(blueprint, "/admin/orgs", permission="org.view")
def orgs() -> str:
    """Show the organisations the viewer may see."""
    viewer = current_viewer()
    return render(
        "orgs/list.html",
        Page("Orgs", "orgs", _way(viewer, Crumb("Orgs"))),
        lines=org_view.lines(viewer),
        may_create=viewer.may("org.create"),
        sees_all=org_view.sees_all(viewer),
    )


@page(blueprint, "/admin/orgs/<int:org_id>", permission="org.view")
def org(org_id: int) -> str:
    """Show one organisation, its teams, and who is in them."""
    viewer = current_viewer()
    found = org_view.look(viewer, org_id)
    may = {
        word: viewer.may(f"{kind}.{word.partition('_')[2] or word}")
        for kind, words in (
            ("org", ("edit", "delete")),
            ("team", ("team_create", "team_edit", "team_delete")),
        )
        for word in words
    }
    members = {one.user_id for one in found.members}
    manages = viewer.may("org.manage.members") or viewer.may("team.manage.members")
    choices = org_view.choices() if manages and org_view.sees_all(viewer) else []
    return render(
        "orgs/org.html",
        Page(
            found.org.name,
            "orgs",
            _way(viewer, Crumb("Orgs", url_for("web.orgs")), Crumb(found.org.name)),
        ),
        org=found.org,
        teams=found.teams,
        members=found.members,
        may=may,
        may_members=viewer.may("org.manage.members"),
        may_team_members=viewer.may("team.manage.members"),
        may_users=viewer.may("admin.users"),
        roles=ROLES,
        outsiders=[one for one in choices if one[0] not in members],
        own_id=viewer.user_id,
        panels=slots.panels("org", viewer, found.org),
    )
