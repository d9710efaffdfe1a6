"""The JSON layer: parse, call one service, answer. One blueprint per noun."""

from __future__ import annotations

from flask import Blueprint, Flask

from . import envelope, guard, openapi


def blueprints() -> list[Blueprint]:
    """Return the core's JSON blueprints in the order in which the OpenAPI document lists them."""
    return [openapi.blueprint]


def init_app(app: Flask) -> None:
    """Give `app` its guard, its one shape of errors, and the core's JSON routes."""
    guard.init_app(app)
    envelope.init_app(app)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
