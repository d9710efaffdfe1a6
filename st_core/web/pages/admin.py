"""The administration's pages: the guide through set-up, and every setting."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug.wrappers import Response

from ...api.guard import current_viewer
from ...api.routing import page
from ...services import registries
from ...services import settings as service
from .. import slots
from ..frame import Crumb, Page, blueprint, render
from ..presenters import onboarding, settings_page


@page(blueprint, "/admin", permission="admin.config")
def admin() -> Response:
    """Lead to the first page of the administration."""
    return redirect(url_for("web.setup"))


@page(blueprint, "/admin/setup", permission="admin.config")
def setup() -> str:
    """Show the guide through set-up: the steps this server can take, and one job to try it."""
    viewer = current_viewer()
    return render(
        "admin/setup.html",
        Page("Set-up", "setup", (Crumb("Administration"), Crumb("Set-up")), narrow=True),
        steps=onboarding.steps(viewer),
        has_sample="tiny_trainer" in registries.trainers(),
        panels=slots.panels("admin", viewer, None),
    )


@page(blueprint, "/admin/settings", permission="admin.config")
def settings() -> str:
    """Show every declared setting, its value and where it is from; change those that may be."""
    owners = settings_page.owners(service.describe())
    return render(
        "admin/settings.html",
        Page("Settings", "settings", (Crumb("Cloud"), Crumb("Settings"))),
        owners=owners,
        file=service.view().file,
        count=sum(len(owner.lines) for owner in owners),
        panels=slots.panels("settings", current_viewer(), None),
    )
