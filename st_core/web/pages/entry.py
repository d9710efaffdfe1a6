"""The ways in: sign-in with its second step, the first administrator, registration, and what a
one-time link leads to.

These pages answer everybody, also while the server is not set up. They never look at who calls:
a cookie that is not valid any more must not keep anybody from signing in again.
"""

from __future__ import annotations

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response

from ...api.routing import ALWAYS, page
from ...services import login_methods
from ..frame import Crumb, Page, blueprint, render
from ..next_page import same_site
from ..presenters import ways_in


@page(blueprint, "/login", permission=ALWAYS)
def login() -> str | Response:
    """Show every way to sign in."""
    after, viewer = same_site(request.args.get("next")), g.get("st_viewer")
    if ways_in.is_new():
        return redirect(url_for("web.first_run"))
    if viewer is not None and viewer.via == "session" and "again" not in request.args:
        return redirect(after)
    methods = login_methods.every()
    return render(
        "entry/sign_in.html",
        _page("Sign in"),
        next=after,
        said=ways_in.said(request.args),
        methods=ways_in.buttons(methods, after),
        directories=ways_in.directories(methods),
        may_register=ways_in.may_register(),
        address=request.remote_addr,
    )


@page(blueprint, "/first-run", permission=ALWAYS)
def first_run() -> str | Response:
    """Show the form that makes the first administrator, while there is none."""
    viewer = g.get("st_viewer")
    if not ways_in.is_new():
        return redirect(url_for("web.login"))
    return render(
        "entry/first_run.html",
        _page("Set up this server"),
        needs_code=viewer is None or viewer.via != "local",
    )


@page(blueprint, "/register", permission=ALWAYS)
def register() -> str | Response:
    """Show the form with which people make an account themselves, where that is allowed."""
    if not ways_in.may_register():
        return redirect(url_for("web.login", said="registration_disabled"))
    return render("entry/register.html", _page("Make an account"))


@page(blueprint, "/invitation", permission=ALWAYS)
def invitation() -> str:
    """Show the form an invitation leads to; its token stays behind the # of the link."""
    return render("entry/invitation.html", _page("Accept an invitation"))


@page(blueprint, "/reset-password", permission=ALWAYS)
def reset_password() -> str:
    """Show the form a reset link leads to; its token stays behind the # of the link."""
    return render("entry/reset_password.html", _page("Set a new password"))


def _page(title: str) -> Page:
    return Page(title, "", (Crumb(title),))
