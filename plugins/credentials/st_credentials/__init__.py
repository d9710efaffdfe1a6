"""Hands jobs the keys of outside services: a person's own first, then a shared one."""

from st_core import hookimpl

from . import api, attempts, gate, models, pages, settings


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_event_types():
    return settings.EVENT_TYPES


@hookimpl
def st_prepare_submission(submission):
    return gate.prepare(submission)


@hookimpl
def st_job_environment(job):
    return attempts.environment(job)


@hookimpl
def st_job_transition(job, old, new):
    attempts.settle(job, old, new)


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_nav_items(viewer):
    return pages.NAV_ITEMS


__all__ = ["models"]
