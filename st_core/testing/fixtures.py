"""The pytest plugin: apps, clients, people and a clock, each made for one test.

`app` may be overridden in a test module (`return make_app(plugins=["hello"])`); `client`,
`as_user`, `viewer`, `deliver_all` and `run_services_once` then act on that one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .database_fixtures import Database, build_app, plugin_names

# Everything of the product is imported on first use: this module is loaded in every pytest run of
# an environment that has the server installed.
if TYPE_CHECKING:
    from flask import Flask

    from ..contracts import Viewer
    from .people import UserClient

pytest_plugins = ("st_core.testing.database_fixtures", "st_core.testing.process_fixtures")


@pytest.fixture
def guards() -> Iterator[None]:
    """Fail the test when it reaches beyond loopback, or connects inside a unit of work."""
    from .guards import guarded

    with guarded():
        yield


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own state folder; no setting of the developer's shell or disk reaches the test."""
    for name in os.environ:
        if name.startswith(("SIMPLETUNER_", "ST_", "FLASK_")) and name not in _KEPT:
            monkeypatch.delenv(name)
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("SIMPLETUNER_STATE_DIR", str(folder))
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


_KEPT = ("ST_EXAM", "ST_TEST_POSTGRES_URL")


@pytest.fixture
def make_app(
    request: pytest.FixtureRequest,
    state_dir: Path,
    guards: None,
    find_zoo: Callable[..., None],
) -> Iterator[Callable[..., Flask]]:
    """Make apps: `make_app(plugins=["zoo"], queue__max_concurrent=1)`.

    Prepared (migrated and seeded) but without running services, on a new database of the test's
    kind (SQLite unless it asks for `database`). `settings` by keyword have `__` for the dot.
    `prepare=False` leaves the app as `create_app` made it.
    """
    from ..boot import prepare as prepare_app
    from ..boot import shut_down
    from .databases import dispose
    from .work import settle

    made: list[Flask] = []
    kind: Database = (
        request.getfixturevalue("database")
        if "database" in request.fixturenames
        else Database(request.getfixturevalue("sqlite_databases"), state_dir, find_zoo)
    )

    def make(
        plugins: Sequence[str] | None = None,
        *,
        database_url: str | None = None,
        prepare: bool = True,
        **settings: Any,
    ) -> Flask:
        app = build_app(plugin_names(plugins), database_url or kind.fresh(plugins), settings)
        made.append(app)
        if prepare:
            prepare_app(app)
        return app

    yield make
    settle()
    for app in made:
        if app.extensions["st"].booted:
            shut_down(app)
        dispose(app)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The app with every bundled plugin; override it for another."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> Any:
    """A client on this machine: the local owner, while nobody else has an account."""
    return app.test_client()


@pytest.fixture
def viewer(app: Flask) -> Callable[..., Viewer]:
    """Make people: `viewer("lead")` inserts a user of that level and returns the viewer."""
    from . import people

    return lambda level, username=None: people.viewer_of(
        app, people.make_user(app, level, username)
    )


@pytest.fixture
def as_user(app: Flask) -> Callable[..., UserClient]:
    """Make clients: `as_user("lead")` acts as a new user of that level, with an API key."""
    from . import people

    return lambda level, username=None: people.client_of(
        app, people.make_user(app, level, username)
    )


class Clock:
    """The product's clock, moved by a test."""

    def __init__(self) -> None:
        self._moved = timedelta(0)

    def advance(self, **time: float) -> None:
        """Let time pass: `advance(hours=2)`."""
        from .. import clock as product

        self._moved += timedelta(**time)
        product.shift(self._moved)

    def now(self) -> datetime:
        """Return what the product takes for the present moment."""
        from .. import clock as product

        return product.now()


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The clock; back on real time when the test ends."""
    from .. import clock as product

    yield Clock()
    product.shift(timedelta(0))


@pytest.fixture
def deliver_all(app: Flask) -> Callable[[], None]:
    """Deliver every event that is due to every subscriber."""
    from .work import deliver_all

    return lambda: deliver_all(app)


@pytest.fixture
def run_services_once(app: Flask) -> Callable[..., None]:
    """Run services once each: all of them, or `run_services_once("dispatch")`."""
    from .work import run_once

    return lambda *names: run_once(app, names)


@pytest.fixture
def run_job(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Run a job to its end in this process: `run_job(provider="slow", config={"steps": 3})`.

    Needs a plugin that brings the provider, such as `zoo`; `app=` names another app than `app`.
    """
    from .work import finish_job, submit_job

    def run(*, app: Flask | None = None, **draft: Any) -> str:
        in_app: Flask = app or request.getfixturevalue("app")
        job_id = submit_job(in_app, **draft)
        finish_job(in_app, job_id)
        return job_id

    return run
