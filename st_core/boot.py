"""Bring a built app to life: check the schema, seed what every database needs, start the services.

`simpletuner server` and `flask st background` call `boot`; plain `flask run` does on its first
request.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask
from sqlalchemy.exc import OperationalError

from . import schema
from .actor import Actor, acting
from .config import Settings
from .contracts import Service
from .db import unit_of_work
from .errors import ConfigError
from .services import (
    config_samples,
    deliveries,
    dispatcher,
    expiry,
    leases,
    presence,
    provider_file,
    sealed_values,
    settings,
    setup,
    streams,
    tasks,
    users,
    watcher,
)

log = logging.getLogger(__name__)


def core_services(settings: Settings) -> list[Service]:
    """Return the core's own services, as often as these settings say."""
    cleanup_seconds = float(settings.value("auth.cleanup_interval_seconds"))
    return [
        Service("dispatch", dispatcher.run, every_seconds=5.0, exclusive=False, rest_seconds=0.02),
        Service("watch", watcher.run, every_seconds=1.0, exclusive=False),
        Service("deliver", deliveries.run, every_seconds=5.0, exclusive=False, rest_seconds=0.1),
        Service("presence", presence.write, every_seconds=60.0, exclusive=False),
        Service("session cleanup", expiry.run, every_seconds=cleanup_seconds),
        Service("plugin cleanup", expiry.ask_plugins, every_seconds=86_400.0),
    ]


def prepare(app: Flask) -> None:
    """Check the schema and seed it; afterwards requests can be answered. Starts no thread.

    The local profile (SQLite) migrates by itself; any other database must be migrated first. Raises
    ConfigError when a migration is pending or the database cannot be opened.
    """
    deployment = app.extensions["st"]
    if deployment.booted:
        return
    with app.app_context(), acting(Actor(name="server start", door="service")):
        try:
            schema.ensure(app)
        except OperationalError as error:
            raise ConfigError(
                f"the database cannot be opened: {error.orig}", code="database_unreachable"
            ) from error
        with unit_of_work(gate="submit"):
            users.ensure_levels()
        config_samples.seed()
        settings.refresh()
        sealed_values.warn_of_lost()
        provider_file.bring_in()
        deliveries.skip_unsubscribed()
        leases.bury_the_dead()
        watcher.take_from_the_dead()
        for plugin in deployment.plugins.implementers("st_startup"):
            deployment.plugins.call(plugin, "st_startup", app=app)
    deployment.booted = True


def boot(app: Flask, *, services: bool = True) -> Any:
    """Prepare the app and start its services in this process; return the runner, to be closed at
    the end."""
    prepare(app)
    deployment = app.extensions["st"]
    if services and deployment.runner is None:
        with app.app_context(), acting(Actor(name="server start", door="service")):
            setup.announce()
        runner = tasks.ThreadRunner(app, deployment.services)
        deployment.runner = runner
        streams.attach(app, runner)
        runner.start()
    return deployment.runner


def shut_down(app: Flask) -> None:
    """Stop the services, hand over leases, and let plugins clean up; running trainings go on."""
    deployment = app.extensions["st"]
    if deployment.runner is not None:
        deployment.runner.close()
        app.extensions["st_feed"].join()
    for each in (dispatcher, watcher, deliveries):
        each.lanes.drain()
    with app.app_context():
        try:
            watcher.release()
        except OperationalError as error:  # whoever ends must end, also without a database
            log.warning("attempts could not be handed over, their leases run out: %s", error)
        for plugin in deployment.plugins.implementers("st_shutdown"):
            try:
                deployment.plugins.call(plugin, "st_shutdown", app=app)
            except Exception:
                log.exception("hook st_shutdown of %s failed", plugin)
    deployment.policy.close()
    deployment.runner = None
    deployment.booted = False
