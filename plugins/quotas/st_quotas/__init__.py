"""Holds people, teams and organisations to how much they may use: jobs, GPUs, GPU-hours, money."""

from st_core import hookimpl

from . import (
    api,
    commands,
    event_types,
    figures,
    models,
    org_api,
    pages,
    policy,
    reconciling,
    reservations,
    sections,
    settings,
)


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_event_types():
    return event_types.EVENT_TYPES


@hookimpl
def st_startup(app):
    reconciling.reconcile()


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_commands():
    return commands.COMMANDS


@hookimpl
def st_policies():
    return [policy.POLICY]


@hookimpl
def st_reserve_limits(job, submission):
    return reservations.reserve(job, submission)


@hookimpl
def st_job_transition(job, old, new):
    reservations.follow(job, old, new)


@hookimpl
def st_nav_items(viewer):
    return pages.NAV_ITEMS


@hookimpl
def st_page_sections(page, viewer, subject):
    return sections.sections(page, viewer, subject)


@hookimpl
def st_metrics():
    return figures.metrics()


@hookimpl
def st_purge(dry_run):
    return figures.purge(dry_run)


__all__ = ["models", "org_api"]
