"""Trusts what proxies say of callers, and lets internal networks in without signing in."""

from st_core import hookimpl

from . import bypass, settings


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_configure(app, settings):
    bypass.configure(app, settings)


@hookimpl
def st_startup(app):
    bypass.start(app)


@hookimpl
def st_shutdown(app):
    bypass.record(all_of_them=True)


@hookimpl
def st_event_types():
    return bypass.EVENT_TYPES


@hookimpl
def st_services():
    return bypass.SERVICES


@hookimpl
def st_identify_request(request):
    return bypass.identify(request)
