"""Keeps money: what jobs hold and cost in a double-entry ledger, cost limits, prices."""

from st_core import hookimpl

from . import (
    api,
    commands,
    estimating,
    event_types,
    figures,
    following,
    models,
    options,
    pages,
    policy,
    reconciling,
)


@hookimpl
def st_event_types():
    return event_types.EVENT_TYPES


@hookimpl
def st_startup(app):
    reconciling.reconcile()


@hookimpl
def st_services():
    return event_types.SERVICES


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
def st_provider_options():
    return [options.OPTIONS]


@hookimpl
def st_estimate_cost(submission):
    return estimating.estimate(submission)


@hookimpl
def st_reserve_limits(job, submission):
    return following.reserve(job, submission)


@hookimpl
def st_job_transition(job, old, new):
    following.follow(job, old, new)


@hookimpl
def st_nav_items(viewer):
    return pages.NAV_ITEMS


@hookimpl
def st_page_sections(page, viewer, subject):
    return pages.sections(page, viewer, subject)


@hookimpl
def st_metrics():
    return figures.metrics()


__all__ = ["models"]
