"""Settings: which source wins, what may be changed while running, and who notices it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db
from st_core.errors import ConfigError, Malformed, NotAllowed, SetTimeRule
from st_core.models import Event, StoredSetting
from st_core.services import events, settings

DECLARES = """
from st_core import hookimpl
from st_core.contracts import Setting


@hookimpl
def st_settings():
    return [
        Setting("pace.steps", int, 5, "How fast.", unit="steps", editable=True,
                env="SIMPLETUNER_PACE", minimum=1, maximum=20),
        Setting("pace.secret", str, "", "A secret.", secret=True),
    ]
"""
FILE = "simpletuner-enterprise.yaml"


@pytest.fixture
def declared(install_plugin: Callable[..., Path]) -> None:
    """A plugin is installed whose setting every source can give."""
    install_plugin("pace", DECLARES)


@pytest.fixture
def app(make_app: Callable[..., Flask], declared: None) -> Flask:
    return make_app(plugins=["pace"])


def shown(app: Flask, key: str = "pace.steps") -> tuple[Any, str]:
    """Return the value of a setting and where it is from."""
    with app.app_context():
        (row,) = [row for row in settings.describe() if row["key"] == key]
        assert row["value"] == settings.value(key)
        return row["value"], row["source"]


def change(app: Flask, viewer: Any, **values: Any) -> None:
    with app.app_context():
        settings.change(viewer, {key.replace("__", "."): raw for key, raw in values.items()})


def stored(app: Flask) -> dict[str, Any]:
    with app.app_context():
        rows = db.session.execute(select(StoredSetting.key, StoredSetting.value))
        return {key: value for key, value in rows}


def test_environment_wins_over_file_over_stored_over_default(
    app: Flask,
    make_app: Callable[..., Flask],
    viewer: Callable[..., Any],
    database: Any,
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def again() -> Flask:
        return make_app(plugins=["pace"], database_url=database.urls[0])

    assert shown(app) == (5, "default")
    change(app, viewer("admin"), pace__steps=6)
    assert shown(app) == shown(again()) == (6, "stored")
    (state_dir / FILE).write_text("pace:\n  steps: 7\n")
    assert shown(again()) == (7, "file")
    monkeypatch.setenv("SIMPLETUNER_PACE", "8")
    assert shown(again()) == (8, "environment")
    (state_dir / FILE).unlink()
    monkeypatch.delenv("SIMPLETUNER_PACE")
    assert shown(again()) == (6, "stored")


@pytest.mark.parametrize("source", ["environment", "file"])
def test_what_file_or_environment_fixes_is_refused(
    declared: None,
    make_app: Callable[..., Flask],
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    from st_core.testing import people

    if source == "file":
        (state_dir / FILE).write_text("pace:\n  steps: 7\n")
    else:
        monkeypatch.setenv("SIMPLETUNER_PACE", "7")
    app = make_app(plugins=["pace"])
    admin = people.viewer_of(app, people.make_user(app, "admin"))
    with pytest.raises(SetTimeRule, match=f"set by {source}"):
        change(app, admin, pace__steps=6)
    assert (shown(app), stored(app)) == ((7, source), {})
    with app.app_context():
        (row,) = [row for row in settings.describe() if row["key"] == "pace.steps"]
    assert row["editable"] is False


def test_what_takes_effect_only_at_a_restart_cannot_be_changed_while_running(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with pytest.raises(SetTimeRule, match="restart"):
        change(app, viewer("admin"), server__threads=4)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "minimum of 1 steps"), (21, "maximum of 20 steps"), ("many", "not valid")],
)
def test_a_value_beyond_its_bounds_is_refused_with_the_bound_and_nothing_is_stored(
    app: Flask, viewer: Callable[..., Any], value: Any, said: str
) -> None:
    with pytest.raises(Malformed, match=said) as refused:
        change(app, viewer("admin"), queue__max_concurrent=7, pace__steps=value)
    assert [each["path"] for each in refused.value.fields] == ["pace.steps"]
    assert stored(app) == {}
    assert shown(app) == (5, "default")


def test_a_value_beyond_its_bounds_in_the_file_stops_the_start(
    declared: None, make_app: Callable[..., Flask], state_dir: Path
) -> None:
    (state_dir / FILE).write_text("pace:\n  steps: 21\n")
    with pytest.raises(ConfigError, match="maximum of 20 steps"):
        make_app(plugins=["pace"])


def test_an_unknown_key_in_the_file_stops_the_start_and_suggests_the_near_one(
    declared: None, make_app: Callable[..., Flask], state_dir: Path
) -> None:
    (state_dir / FILE).write_text("queue:\n  max_concurent: 3\n")
    with pytest.raises(ConfigError, match=r"queue\.max_concurrent") as refused:
        make_app(plugins=["pace"])
    assert FILE in refused.value.detail


def test_an_unknown_key_is_refused_and_suggests_the_near_one(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with pytest.raises(Malformed, match=r"mean 'pace\.steps'") as refused:
        change(app, viewer("admin"), pace__step=3)
    assert [each["path"] for each in refused.value.fields] == ["pace.step"]
    with app.app_context(), pytest.raises(ConfigError, match=r"mean 'pace\.steps'"):
        settings.value("pace.step")


def test_a_change_is_seen_by_another_app_at_its_next_refresh(
    app: Flask, make_app: Callable[..., Flask], viewer: Callable[..., Any], database: Any
) -> None:
    other = make_app(plugins=["pace"], database_url=database.urls[0])
    admin = viewer("admin")
    for value in (6, 9):
        change(app, admin, pace__steps=value)
        assert shown(app)[0] == value
        assert shown(other)[0] != value
        with other.app_context():
            settings.refresh()
        assert shown(other) == (value, "stored")


def test_a_change_is_in_the_journal_with_what_was_before(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    admin = viewer("admin")
    change(app, admin, pace__steps=6)
    with app.app_context():
        told = db.session.scalars(select(Event).where(Event.name == "admin.config_changed")).one()
        head = events.head()
    assert (told.before, told.after) == ({"pace.steps": 5}, {"pace.steps": 6})
    change(app, admin, pace__steps=6)
    with app.app_context():
        assert events.head() == head


def test_only_who_may_configure_the_server_changes_settings(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with pytest.raises(NotAllowed, match=r"admin\.config"):
        change(app, viewer("lead"), pace__steps=6)
    assert stored(app) == {}


def test_the_value_of_a_secret_is_never_described(
    declared: None, make_app: Callable[..., Flask]
) -> None:
    app = make_app(plugins=["pace"], pace__secret="hunter2")
    with app.app_context():
        assert "hunter2" not in repr(settings.describe())
