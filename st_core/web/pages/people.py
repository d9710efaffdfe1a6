"""The administration's pages about people: the list, one person, levels."""

from __future__ import annotations

from flask import request, url_for

from ...api.guard import current_viewer
from ...api.routing import page
from ...errors import NotFound
from ...services import one_time_links, people_list, permission_sources, person, rights
from ...services import users as accounts
from ..formats import number
from ..frame import Crumb, Page, blueprint, render
from ..presenters import levels_page, person_page
from ..presenters import people_list as presenter

PAGE_ROWS = 25
ADMINISTRATION = Crumb("Administration")


@page(blueprint, "/admin/users", permission="admin.users")
def users() -> str:
    """Show who has an account, filtered as the URL says."""
    wanted = presenter.read(request.args)
    number_of_page = max(request.args.get("page", 1, type=int), 1)
    offset = (number_of_page - 1) * PAGE_ROWS
    found, total = people_list.page(wanted, limit=PAGE_ROWS, offset=offset)
    counts = people_list.counts()
    names = people_list.level_names()
    last = offset + len(found)
    return render(
        "people/list.html",
        Page("Users", "users", (ADMINISTRATION, Crumb("Users"))),
        rows=presenter.rows(found),
        counted=presenter.counted(counts),
        selects=presenter.selects(wanted, names, counts),
        states=presenter.ACTIVE_WORDS,
        wanted=wanted,
        sorted_by=request.args.get("sort", ""),
        sorting=presenter.Sorting(wanted.sort, wanted.descending, wanted),
        shown=f"{number(offset + 1)} to {number(last)} of {number(total)}",
        previous_url=offset and presenter.url_of(wanted, number_of_page - 1),
        next_url=last < total and presenter.url_of(wanted, number_of_page + 1),
        nothing=presenter.nothing(wanted),
        levels=names,
        invitations=one_time_links.open_ones(one_time_links.INVITATION),
        is_alone=counts.total == counts.by_source.get("machine", 0),
    )


@page(blueprint, "/admin/users/<int:user_id>", permission="admin.users")
def user(user_id: int) -> str:
    """Show one person: what they are, what they may and why, where they are signed in."""
    viewer = current_viewer()
    found = person.of(user_id)
    explained = permission_sources.explain(found.user)
    givers = accounts.display_names(item.granted_by_id for item in found.user.overrides)
    name = found.user.display_name or found.user.username
    keys = person_page.keys(found.keys)
    working = sum(key.state == "active" for key in keys)
    return render(
        "people/person.html",
        Page(name, "users", (ADMINISTRATION, Crumb("Users", url_for("web.users")), Crumb(name))),
        user=found.user,
        name=name,
        initials=presenter.initials(name),
        is_self=found.user.id == viewer.user_id,
        source=presenter.SOURCE_WORDS.get(
            presenter.source_of(found.user), found.user.auth_provider
        ),
        levels=person_page.levels(found.user, found.level_sources),
        places=found.places,
        outside=found.outside,
        permissions=person_page.permissions(explained),
        held_count=sum(each.holds for each in explained),
        overrides=person_page.overrides(explained, givers),
        sessions=person_page.sessions(found.sessions),
        keys=keys,
        credentials=person_page.credentials(found.credentials),
        deactivation=person_page.deactivation(
            len(found.sessions), working, (found.running_count, found.waiting_count)
        ),
        level_names=people_list.level_names(),
        may_levels=viewer.may("admin.levels"),
        may_orgs=viewer.may("org.view"),
    )


@page(blueprint, "/admin/levels", permission="admin.levels")
def levels() -> str:
    """Show which level may what."""
    found = levels_page.levels()
    return render(
        "people/levels.html",
        Page("Levels", "levels", (ADMINISTRATION, Crumb("Levels"))),
        levels=found,
        groups=levels_page.matrix(found, rights.catalogue().values()),
    )


@page(blueprint, "/admin/levels/new", permission="admin.levels")
def new_level() -> str:
    """Show the form that makes a level."""
    return _level_form(None)


@page(blueprint, "/admin/levels/<int:level_id>", permission="admin.levels")
def level(level_id: int) -> str:
    """Show the form that changes a level."""
    found = next((one for one in levels_page.levels() if one.id == level_id), None)
    if found is None:
        raise NotFound(f"there is no level {level_id}", code="level_not_found")
    return _level_form(found)


def _level_form(found: levels_page.Column | None) -> str:
    title = found.title if found else "Make a level"
    way = (ADMINISTRATION, Crumb("Levels", url_for("web.levels")), Crumb(title))
    return render(
        "people/level.html",
        Page(title, "levels", way, narrow=True),
        title=title,
        text=levels_page.sentence(found),
        level=found,
        holds=found.holds if found else frozenset(),
        fixed=found.fixed if found else frozenset(),
        url=f"/api/users/levels/{found.id}" if found else "/api/users/levels",
        method="PUT" if found else "POST",
        groups=levels_page.matrix([], rights.catalogue().values()),
    )
