"""Says which configs, hardware, providers and output paths the people of a level may use."""

from st_core import hookimpl

from . import api, event_types, models, pages, policy


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_event_types():
    return event_types.EVENT_TYPES


@hookimpl
def st_policies():
    return [policy.POLICY]


@hookimpl
def st_check_access(submission):
    return policy.denials(submission)


@hookimpl
def st_nav_items(viewer):
    return pages.NAV_ITEMS


__all__ = ["models"]
