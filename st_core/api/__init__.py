"""The JSON layer: parse, call one service, answer. One blueprint per noun."""

from __future__ import annotations

from flask import Blueprint, Flask

from . import (
    auth,
    configs,
    envelope,
    events,
    guard,
    health,
    job_files,
    jobs,
    openapi,
    providers,
    queue,
    queue_limits,
    revisions,
    sessions,
    submit,
    system,
)


def blueprints() -> list[Blueprint]:
    """Return the core's JSON blueprints."""
    modules = (
        health,
        auth,
        sessions,
        submit,
        jobs,
        job_files,
        queue,
        queue_limits,
        configs,
        revisions,
        providers,
        events,
        system,
        openapi,
    )
    return [module.blueprint for module in modules]


def init_app(app: Flask) -> None:
    """Give `app` its guard, its one shape of errors, and the core's JSON routes."""
    guard.init_app(app)
    envelope.init_app(app)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
