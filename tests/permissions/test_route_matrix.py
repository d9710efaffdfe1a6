"""Every route × every kind of caller: who passes is exactly who should."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from st_core.api import routing
from st_core.app import BUNDLED

from .asking import is_right
from .callers import Crowd
from .expected import LEVELS, permissions_of, routes


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Everything that is bundled, with one internal network."""
    return make_app(
        plugins=list(BUNDLED),
        auth__mode="team",
        network__bypass_auth_for_internal=True,
        network__internal_networks=["10.10.0.0/16"],
        rate_limit__calls=0,
    )


def declared(app: Flask) -> Iterator[tuple[str, str]]:
    """Give path and method of every route there is."""
    for _, rule, what in routing.operations(app):
        for method in what.methods:
            yield path_of(rule), method


def path_of(rule: str) -> str:
    """Return a rule of Flask's as the table writes it."""
    return re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", rule)


def test_the_table_names_every_route_and_no_other(app: Flask) -> None:
    expected = {(route.path, route.method) for route in routes()}
    found = set(declared(app))
    assert found - expected == set(), "add these routes to routes.csv, with what they should need"
    assert expected - found == set()


def test_levels_hold_what_the_guide_s_table_says(app: Flask) -> None:
    from st_core.services.permissions import defaults_of

    known = app.extensions["st"].permissions
    for level in LEVELS[:-1]:
        core = {name for name in defaults_of(level, known.values())}
        assert core & _named() == permissions_of(level), level
    assert _named() == permissions_of("admin")


def _named() -> frozenset[str]:
    return frozenset().union(*(permissions_of(level) for level in LEVELS))


@pytest.mark.slow
def test_who_passes_each_route_is_exactly_who_should(app: Flask) -> None:
    crowd = Crowd(app)
    asked = [(route, caller) for route in routes() for caller in crowd.for_route(route)]
    wrong = [
        f"{route.method} {route.path} as {caller.name}: not {route.lets(caller.who)}"
        for route, caller in asked
        if not is_right(caller, route)
    ]
    assert not wrong, "\n".join(wrong)
    assert len(asked) >= 8 * len(routes())
