"""The JSON layer: parse, call one service, answer. One blueprint per noun."""

from __future__ import annotations

from flask import Blueprint


def blueprints() -> list[Blueprint]:
    """Return the core's JSON blueprints in the order in which the OpenAPI document lists them."""
    return []
