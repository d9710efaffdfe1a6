"""`flask db`: Flask-Migrate's commands on one lineage, the core's or, with `-x plugin=NAME`, a
plugin's.

Flask-Migrate brings Alembic, so both are imported when the command is used, not when an app is
made.
"""

from __future__ import annotations

from typing import Any

import click
from flask import Flask, current_app

from . import schema
from .config import resource_dir
from .db import db


class FlaskDb(click.Command):
    """Stands in for the group `db` of Flask-Migrate, until somebody asks for it."""

    def make_context(self, info_name: str | None, *args: Any, **kwargs: Any) -> click.Context:
        """Return the context of the real group, which then runs instead of this."""
        from flask_migrate.cli import db as group

        real: click.Context = group.make_context(info_name, *args, **kwargs)
        return real


class Binding:
    """What Flask-Migrate's commands find at `app.extensions["migrate"]`."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        """Bind Flask-Migrate to the app in place of this, and answer from there."""
        from flask_migrate import Migrate

        migrate = Migrate(directory=str(resource_dir("migrations")))
        migrate.configure(_on_one_lineage)
        migrate.init_app(self._app, db)
        return getattr(self._app.extensions["migrate"], name)


def init_app(app: Flask) -> None:
    """Offer `flask db`."""
    app.extensions["migrate"] = Binding(app)
    app.cli.add_command(FlaskDb("db", short_help="Perform database migrations."))


def _on_one_lineage(config: Any) -> Any:
    """Let Flask-Migrate's own commands act on one lineage."""
    words = getattr(config.cmd_opts, "x", None) or []
    wanted = dict(word.split("=", 1) for word in words if "=" in word)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    lineage = schema.lineage_of(app, wanted.get("plugin", schema.CORE))
    config.set_main_option("version_locations", str(lineage.folder))
    config.set_main_option("path_separator", "newline")
    config.attributes["lineage"] = lineage
    config.attributes["owners"] = schema.owners(app)
    return config
