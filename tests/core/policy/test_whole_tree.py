"""The tree of a server with everything that governs: out, away, and in again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.errors import Malformed
from st_core.services import decisions
from tests.core.policy import conftest as world
from tests.core.policy.conftest import EVERYTHING, GOVERNING

WIPED = {
    "levels.yaml": "levels:\n"
    + "\n".join(
        f"  - {{name: {name}, priority: {rank}}}"
        for name, rank in (("viewer", 10), ("researcher", 20), ("lead", 30), ("admin", 100))
    ),
    "orgs.yaml": "orgs: []",
}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with every plugin that governs."""
    return make_app(plugins=GOVERNING)


def test_the_tree_of_everything_survives_export_wipe_and_apply(
    app: Flask, make_app: Callable[..., Flask], database: Any
) -> None:
    applied = world.put(app, EVERYTHING)
    assert [each.name for each in applied.results if each.passed] == [
        "Contractors run no A100",
        "Researchers run their team's configs",
        "A job of $60 needs an admin",
        "The fifth job of a full team is refused",
    ]
    tree, digest = world.exported(app), world.digest(app)
    with app.app_context():
        empty = {f"{name}.yaml": "{}" for name in decisions.policies()}
    world.put(app, {**empty, **WIPED})
    assert "high cost" not in "".join(world.exported(app).values())
    world.put(app, tree)
    assert (world.exported(app), world.digest(app)) == (tree, digest)
    other = make_app(plugins=GOVERNING)
    world.put(other, tree)
    assert (world.exported(other), world.digest(other)) == (tree, digest)
    assert not world.put(other, tree).changes_anything


def test_every_part_refuses_keys_it_does_not_know(app: Flask) -> None:
    with app.app_context():
        names = [*decisions.policies()]
    assert {"approvals", "quotas", "resource_rules"} <= {*names}
    for name in names:
        with pytest.raises(Malformed, match="unknown key 'nosuchkey'"):
            world.put(app, {f"{name}.yaml": "nosuchkey: 1"})
