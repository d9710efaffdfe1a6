"""Keeps the audit log: who did what, from where, in a chain that cannot be edited unnoticed."""

from st_core import hookimpl

from . import (
    api,
    archives,
    commands,
    export_api,
    figures,
    ledger,
    models,
    pages,
    services,
    settings,
    streaming,
)


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_commands():
    return commands.COMMANDS


@hookimpl
def st_event_types():
    return services.EVENT_TYPES


@hookimpl
def st_startup(app):
    services.start()


@hookimpl
def st_services():
    return services.SERVICES


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_nav_items(viewer):
    return pages.NAV_ITEMS


@hookimpl
def st_health_checks():
    return streaming.HEALTH_CHECKS


@hookimpl
def st_metrics():
    return figures.families()


@hookimpl
def st_record(entries):
    ledger.record(entries)


@hookimpl
def st_purge(dry_run):
    return archives.purge(dry_run)


__all__ = ["export_api", "models"]
