"""The server itself over HTTP: version, status, plugins, settings, services, polling."""

from __future__ import annotations

from flask import Blueprint, current_app, g

from .. import __version__
from ..plugins import current_plugins
from ..services import leases, machine, settings
from . import rendering
from .guard import current_viewer
from .routing import PUBLIC, SIGNED_IN, route
from .schemas import system as schemas
from .schemas.queue import Polling, PollingBody, PollingQuery

blueprint = Blueprint("system", __name__)
POLLING = "background.job_status_polling"


@route(
    blueprint,
    "/api/version",
    permission=PUBLIC,
    summary="Versions",
    answers={200: schemas.Version},
)
def version() -> schemas.Version:
    """Tell the server's version, and to those who are signed in the plugins'."""
    if g.get("st_viewer") is None:
        return schemas.Version(version=__version__)
    rows = current_plugins().describe()
    return schemas.Version(
        version=__version__,
        plugins={row["name"]: row["version"] for row in rows if row["enabled"]},
    )


@route(
    blueprint,
    "/api/system/status",
    permission=SIGNED_IN,
    summary="How this machine is",
    query=schemas.StatusQuery,
    answers={200: schemas.SystemStatus},
)
def status(query: schemas.StatusQuery) -> schemas.SystemStatus:
    """Tell load, memory, disk and devices; with `include_allocation` which job has which."""
    viewer = current_viewer()
    told = machine.status(viewer)
    options = [rendering.hardware(provider, kind) for provider, kind in told.pop("hardware")]
    gpus = [option for option in options if option.memory_bytes]
    return schemas.SystemStatus(
        **told,
        gpus=gpus,
        gpu_inventory=schemas.Inventory(
            count=sum(option.count for option in gpus),
            memory_bytes=sum(option.count * (option.memory_bytes or 0) for option in gpus),
        ),
        hardware=options,
        gpu_allocation=machine.allocation(viewer) if query.include_allocation else None,
    )


@route(
    blueprint,
    "/api/plugins",
    permission="admin.config",
    summary="Every installed plugin",
    answers={200: schemas.Plugins},
)
def plugins() -> schemas.Plugins:
    """List installed plugins, enabled or not, with the hooks each answers."""
    return schemas.Plugins(
        plugins=[schemas.Plugin.model_validate(row) for row in current_plugins().describe()]
    )


@route(
    blueprint,
    ["/api/settings", "/api/system/settings"],
    permission="admin.config",
    summary="Every setting",
    answers={200: schemas.Settings},
)
def list_settings() -> schemas.Settings:
    """List declared settings with value and source; secrets only say whether they are set."""
    return _settings()


@route(
    blueprint,
    ["/api/settings", "/api/system/settings"],
    methods=["PATCH"],
    permission="admin.config",
    summary="Change settings",
    body=schemas.SettingsBody,
    answers={200: schemas.Settings},
    errors=[400],
)
def change_settings(body: schemas.SettingsBody) -> schemas.Settings:
    """Store new values of editable settings, all or none; what the file fixes stays."""
    settings.change(current_viewer(), body.settings)
    return _settings()


@route(
    blueprint,
    "/api/system/services",
    permission="admin.config",
    summary="Work that goes on beside requests",
    answers={200: schemas.Services},
)
def services() -> schemas.Services:
    """List the services and which process holds the lease of an exclusive one."""
    deployment = current_app.extensions["st"]
    held = {lease["name"].removeprefix("service "): lease for lease in leases.leases()}
    return schemas.Services(
        running=deployment.runner is not None,
        services=[
            schemas.Service(
                name=item.name,
                every_seconds=item.every_seconds,
                forever=item.forever,
                exclusive=item.exclusive,
                owner=held.get(item.name, {}).get("owner"),
                lease_expires_at=held.get(item.name, {}).get("expires_at"),
            )
            for item in deployment.services
        ],
    )


@route(
    blueprint,
    ["/api/cloud/polling/status", "/api/queue/polling/status"],
    permission=("queue.view", "job.view.own"),
    summary="Whether providers are asked",
    answers={200: Polling},
)
def polling() -> Polling:
    """Tell whether and how often providers are asked how their jobs stand."""
    return _polling()


@route(
    blueprint,
    ["/api/cloud/polling/setting", "/api/queue/polling/setting"],
    methods=["PUT", "POST"],
    permission="queue.manage",
    summary="Switch the asking on or off",
    query=PollingQuery,
    body=PollingBody,
    answers={200: Polling},
    errors=[400],
)
def set_polling(query: PollingQuery, body: PollingBody) -> Polling:
    """Accept what is so already; the configuration file decides, so anything else is refused."""
    wanted = body.enabled if body.enabled is not None else query.enabled
    if wanted is not None and wanted != settings.value(f"{POLLING}.enabled"):
        settings.change(current_viewer(), {f"{POLLING}.enabled": wanted}, permission="queue.manage")
    return _polling()


def _polling() -> Polling:
    source = settings.view().source(f"{POLLING}.enabled")
    enabled = settings.value(f"{POLLING}.enabled")
    return Polling(
        enabled=enabled,
        is_active=enabled,
        preference=None if source == "default" else enabled,
        interval_seconds=settings.value(f"{POLLING}.interval_seconds"),
        source=source,
    )


def _settings() -> schemas.Settings:
    rows = [schemas.Setting.model_validate(row) for row in settings.describe()]
    return schemas.Settings(settings=rows)
