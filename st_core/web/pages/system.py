"""The pages about the server itself: the system, and its plugins."""

from __future__ import annotations

from flask import current_app

from ...api.guard import current_viewer
from ...api.routing import page
from ...plugins import current_plugins
from ...services import health, leases, machine, settings
from .. import slots
from ..frame import Crumb, Page, blueprint, render
from ..presenters import system_page


@page(blueprint, "/system", permission="queue.view")
def system() -> str:
    """Show this machine, its devices, the health of every part, and the services."""
    viewer = current_viewer()
    status = machine.status(viewer)
    report = health.report(include_providers=True)
    return render(
        "system/system.html",
        Page("System", "system", (Crumb("Work"), Crumb("System"))),
        tiles=system_page.tiles(status),
        levels=system_page.levels(status),
        devices=system_page.devices(status["hardware"], machine.allocation(viewer)),
        overall=system_page.HEALTH[report["status"]],
        version=report["version"],
        parts=system_page.parts(report),
        services=_services() if viewer.may("admin.config") else [],
        state_dir=status["state_dir"],
        database=status["database"],
        panels=slots.panels("system", viewer, None),
    )


def _services() -> list[system_page.ServiceLine]:
    """Return what runs beside requests, and in which process; that is for administrators."""
    deployment = current_app.extensions["st"]
    held, here, runs = leases.leases(), leases.process_name(), deployment.runner is not None
    return list(system_page.services(deployment.services, held, here, runs))


@page(blueprint, "/plugins", permission="admin.config")
def plugins() -> str:
    """Show every installed plugin: what it brings, and whether it is enabled."""
    owners = {row["owner"] for row in settings.describe()}
    return render(
        "admin/plugins.html",
        Page("Plugins", "plugins", (Crumb("Administration"), Crumb("Plugins"))),
        plugins=current_plugins().describe(),
        with_settings=owners,
        file=settings.view().file,
    )
