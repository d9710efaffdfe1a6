"""Lets people decide about jobs: rules that ask for approval, requests, and who may say yes."""

from st_core import hookimpl

from . import (
    deciding,
    delegations_api,
    demands,
    event_types,
    expiry,
    figures,
    models,
    pages,
    requests,
    requests_api,
    rules_api,
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
    requests.reconcile()


@hookimpl
def st_services():
    return expiry.SERVICES


@hookimpl
def st_blueprints():
    return [rules_api.blueprint]


@hookimpl
def st_policies():
    return [demands.POLICY]


@hookimpl
def st_approval_desk():
    return deciding.Desk()


@hookimpl
def st_require_approval(job, submission):
    return demands.of(submission)


@hookimpl
def st_job_transition(job, old, new):
    requests.follow(job, old, new)


@hookimpl
def st_nav_items(viewer):
    return pages.nav_items(viewer)


@hookimpl
def st_page_sections(page, viewer, subject):
    return pages.sections(page, viewer, subject)


@hookimpl
def st_metrics():
    return figures.metrics()


__all__ = ["delegations_api", "models", "requests_api"]
