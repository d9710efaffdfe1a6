"""Take each guard away in turn: the matrix must notice. Run it with `-s` to read killed/total."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import true

from st_core.api import guard, routing
from st_core.app import BUNDLED
from st_core.services import jobs, permissions, visibility

from .asking import is_right
from .callers import Crowd
from .expected import ALWAYS, ANYONE, Route, routes
from .neighbourhood import Neighbourhood, wrong_cells
from .test_route_matrix import path_of


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(
        plugins=["zoo", *BUNDLED],
        auth__mode="team",
        queue__paused=True,
        network__bypass_auth_for_internal=True,
        network__internal_networks=["10.10.0.0/16"],
        rate_limit__calls=0,
    )


def guarded(app: Flask) -> Iterator[tuple[str, Any, Route]]:
    """Give each handler that has a guard, with one of its routes."""
    expected = {(route.path, route.method): route for route in routes()}
    seen = set()
    for endpoint, rule, declared in routing.operations(app):
        for method in declared.methods:
            route = expected[path_of(rule), method] if "zoo" not in rule else None
            if route and route.needs not in (ALWAYS, ANYONE) and (endpoint, method) not in seen:
                seen.add((endpoint, method))
                yield endpoint, declared, route


@contextmanager
def unguarded(view: Any, declared: Any) -> Iterator[None]:
    """Let a handler ask for nothing more than somebody, or for nobody at all."""
    weaker = routing.SIGNED_IN if declared.permissions else routing.PUBLIC
    view.declared = replace(declared, permission=weaker)
    try:
        yield
    finally:
        view.declared = declared


@contextmanager
def no_second_guard() -> Iterator[None]:
    """Take away what services ask for themselves, and what a view without a viewer runs into."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(permissions, "require", lambda _viewer, _name: None)
        patch.setattr(guard, "_not_signed_in", lambda: LookupError("nobody is signed in"))
        yield


def notices(crowd: Crowd, route: Route) -> bool:
    """Tell whether some caller of a route is answered otherwise than expected."""
    try:
        return not all(is_right(caller, route) for caller in crowd.for_route(route))
    except LookupError:  # the view went on without anybody
        return True


@pytest.mark.slow
def test_no_route_loses_its_guard_unnoticed(app: Flask) -> None:
    crowd, alone, twice, alive = Crowd(app), 0, 0, []
    for endpoint, declared, route in list(guarded(app)):
        with unguarded(app.view_functions[endpoint], declared):
            if notices(crowd, route):
                alone += 1
                continue
            with no_second_guard():
                if notices(crowd, route):
                    twice += 1
                    continue
        alive.append(f"{route.method} {route.path}")
    killed = alone + twice
    print(f"guards of routes: {killed}/{killed + len(alive)} killed, {twice} of them doubled")
    assert not alive, "\n".join(alive)
    assert killed > 150


#: What stands between a caller and a job, and what stands there once it is taken away.
GUARDS: dict[str, tuple[object, str, Any]] = {
    "the guard of routes": (guard, "_require", lambda _viewer, _declared: None),
    "permissions.require": (permissions, "require", lambda _viewer, _name: None),
    "jobs.require_on": (jobs, "require_on", lambda _viewer, _job, _right: None),
    "jobs.visible_to": (jobs, "visible_to", lambda _viewer: true()),
    "visibility.of": (visibility.Reach, "criterion", lambda _self, *_columns: true()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GUARDS)
def test_no_guard_of_jobs_is_lost_unnoticed(
    app: Flask, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = Neighbourhood(app)
    monkeypatch.setattr(*GUARDS[name])
    assert next(wrong_cells(place), None) is not None
