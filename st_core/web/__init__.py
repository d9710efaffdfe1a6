"""The web pages: server-rendered, one blueprint, every action through the same JSON API that
programs use.

`pages` parses and answers, `presenters` turns what services return into what a template shows,
templates stay dumb.
"""

from __future__ import annotations

from flask import Flask

from . import pages, refusals, templating
from .frame import blueprint


def init_app(app: Flask) -> None:
    """Give `app` its pages, their static files, and the way to sign in."""
    app.register_blueprint(blueprint)
    refusals.init_app(app)


def init_templates(app: Flask) -> None:
    """Give `app` its templates, once all plugins are known."""
    deployment = app.extensions["st"]
    templating.install(app, deployment.state_dir, deployment.plugins.modules)


__all__ = ["init_app", "init_templates", "pages"]
