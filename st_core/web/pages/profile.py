"""One's own page: name, password, second factor, keys, sessions, stored credentials."""

from __future__ import annotations

from flask import request

from ...api import cookies
from ...api.guard import current_viewer
from ...api.routing import SIGNED_IN, page
from ...services import permission_sources, person, second_factor, sessions
from .. import slots
from ..frame import Crumb, Page, blueprint, render
from ..presenters import people_list, person_page


@page(blueprint, "/profile", permission=SIGNED_IN)
def profile() -> str:
    """Show who the viewer is and what hangs on their account."""
    viewer = current_viewer()
    found = person.of(viewer.user_id)
    token = cookies.session_token(request)
    here = sessions.row_of(token) if token and viewer.via == "session" else None
    explained = permission_sources.explain(found.user)
    return render(
        "people/profile.html",
        Page("Profile", "profile", (Crumb("Profile"),)),
        user=found.user,
        name=viewer.display_name,
        initials=people_list.initials(viewer.display_name),
        via=viewer.via,
        source=people_list.SOURCE_WORDS.get(
            people_list.source_of(found.user), found.user.auth_provider
        ),
        has_password=found.user.password_hash is not None,
        levels=person_page.levels(found.user, found.level_sources),
        places=found.places,
        permissions=person_page.permissions(explained),
        held_count=sum(each.holds for each in explained),
        may_make_keys=viewer.may("api.keys.own"),
        factor=second_factor.standing(viewer.user_id),
        sessions=person_page.sessions(found.sessions, here.id if here else None),
        keys=person_page.keys(found.keys),
        credentials=person_page.credentials(found.credentials),
        panels=slots.panels("profile", viewer, found.user),
    )
