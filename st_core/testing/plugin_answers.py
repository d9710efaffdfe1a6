"""One plugin's answers and tables, as `plugin_kit` looks at them."""

from __future__ import annotations

import typing
from typing import Any

import click
import sqlalchemy as sa
from flask import Blueprint, Flask

from ..contracts import (
    EventType,
    HealthCheck,
    Metric,
    NavItem,
    Permission,
    Provider,
    Section,
    Service,
    Setting,
    Trainer,
    Viewer,
)
from ..db import db

#: hooks that can be asked without a job → what their lists hold
ITEMS: dict[str, Any] = {
    "st_settings": Setting,
    "st_blueprints": Blueprint,
    "st_commands": click.Command,
    "st_permissions": Permission,
    "st_event_types": EventType,
    "st_services": Service,
    "st_providers": Provider,
    "st_trainers": Trainer,
    "st_health_checks": HealthCheck,
    "st_metrics": Metric,
    "st_nav_items": NavItem,
    "st_page_sections": Section,
}
PAGES_WITHOUT_SUBJECT = ("system", "admin")


def answer(app: Flask, plugin: str, hook: str, **arguments: Any) -> list[Any]:
    """Return what `plugin` answers to `hook`; empty when it does not implement it."""
    plugins = app.extensions["st"].plugins
    if plugin not in plugins.implementers(hook):
        return []
    with app.app_context():
        return list(plugins.call(plugin, hook, **arguments) or ())


def check_types(app: Flask, plugin: str, viewer: Viewer) -> None:
    """Raise AssertionError when an answer does not hold what its hook promises."""
    for hook, kind in ITEMS.items():
        for arguments in _arguments(hook, viewer):
            for item in answer(app, plugin, hook, **arguments):
                assert isinstance(item, kind), f"{hook}: {item!r} is no {kind.__name__}"


def _arguments(hook: str, viewer: Viewer) -> list[dict[str, Any]]:
    if hook == "st_nav_items":
        return [{"viewer": viewer}]
    if hook == "st_page_sections":
        return [{"page": p, "viewer": viewer, "subject": None} for p in PAGES_WITHOUT_SUBJECT]
    return [{}]


def tables(module: str) -> list[sa.Table]:
    """Return the tables whose models live in `module` or below it."""
    found = []
    models: Any = db.Model  # Flask-SQLAlchemy's stub does not know `registry`
    for mapper in models.registry.mappers:
        home = mapper.class_.__module__
        if home == module or home.startswith(f"{module}."):
            found.append(typing.cast(sa.Table, mapper.local_table))
    return found


def is_core(table: sa.Table) -> bool:
    """Tell whether `table` belongs to the core."""
    return table in tables("st_core")


def rows(app: Flask, module: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything in the plugin's tables, by table."""
    with app.app_context():
        return {
            table.name: [
                tuple(row) for row in db.session.execute(sa.select(table).order_by(*table.columns))
            ]
            for table in tables(module)
        }
