"""Runs jobs on this machine's GPUs or CPU slots; they go on when the server stops."""

from st_core import hookimpl

from . import (
    api,
    commands,
    disk,
    inventory,
    launching,
    models,
    provider,
    reporting,
    sections,
    settings,
    slots,
    watching,
)


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_startup(app):
    slots.reconcile()


@hookimpl
def st_shutdown(app):
    launching.reap()
    inventory.watch.close()


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_commands():
    return [commands.devices]


@hookimpl
def st_event_types():
    return reporting.EVENT_TYPES


@hookimpl
def st_services():
    return watching.SERVICES


@hookimpl
def st_providers():
    return [provider.LocalGpu()]


@hookimpl
def st_reserve_limits(job, submission):
    return disk.verdicts() if job.provider == slots.PROVIDER else []


@hookimpl
def st_hold_job(job, load):
    return slots.hold(job, load.by_provider[slots.PROVIDER])


@hookimpl
def st_job_transition(job, old, new):
    slots.follow(job, old, new)


@hookimpl
def st_page_sections(page, viewer, subject):
    return sections.sections(page, viewer, subject)


@hookimpl
def st_health_checks():
    return reporting.HEALTH_CHECKS


@hookimpl
def st_metrics():
    return reporting.families()


__all__ = ["models"]
