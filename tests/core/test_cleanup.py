"""How often what expired is cleaned up is a setting, by its old name too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from st_core.contracts import Service
from st_core.db import db
from st_core.errors import ConfigError
from st_core.models import Session
from st_core.services import expiry
from tests.core.browsers import Browser, make_person

OLD_NAME = "SIMPLETUNER_SESSION_CLEANUP_INTERVAL"


def cleanup(app: Flask) -> Service:
    (found,) = [each for each in app.extensions["st"].services if each.run is expiry.run]
    assert isinstance(found, Service)
    return found


def test_sessions_are_cleaned_up_every_quarter_of_an_hour(make_app: Callable[..., Flask]) -> None:
    assert cleanup(make_app(plugins=["zoo"], prepare=False)).every_seconds == 900


def test_the_old_name_of_the_interval_still_holds(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    monkeypatch.setenv(OLD_NAME, "60")
    app = make_app(plugins=["zoo"])
    make_person(app, "admin", "ada")
    Browser(app).sign_in("ada")
    clock.advance(hours=25)
    assert cleanup(app).every_seconds == 60
    with app.app_context():
        cleanup(app).run()
        assert db.session.scalar(select(func.count(Session.id))) == 0


@pytest.mark.parametrize("value", ["0", "soon"])
def test_an_interval_that_is_none_stops_the_start(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(OLD_NAME, value)
    with pytest.raises(ConfigError, match="cleanup_interval_seconds"):
        make_app(plugins=["zoo"], prepare=False)
