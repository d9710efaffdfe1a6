"""Let the server's own work happen now, in the test's thread, instead of some time later."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask

from ..actor import Actor, acting
from ..contracts import Service


def run_once(app: Flask, names: Sequence[str] = ()) -> None:
    """Run services once each in their order: those named, else all that do not run for ever.

    Raises KeyError for a name that no service has.
    """
    services: dict[str, Service] = {each.name: each for each in app.extensions["st"].services}
    for name in names or [each.name for each in services.values() if not each.forever]:
        with app.app_context(), acting(Actor(name=f"service {name}", door="service")):
            services[name].run()
