"""Prometheus metrics: what the server does, in the names operators know (guide section 1)."""

from st_core import hookimpl

from . import api, counters, families, models, settings  # models: the tables must be known


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_on_event(event):
    counters.count(event)


@hookimpl
def st_metrics():
    return families.core_families()


__all__ = ["models"]
