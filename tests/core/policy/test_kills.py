"""A kill at any point of applying leaves the old policy or the new one, never something between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.core.policy import conftest as world
from tests.core.policy.conftest import EVERYTHING, GOVERNING
from tests.core.processes import Nursery

APPLIER = Path(__file__).with_name("applier.py")
PARTS = range(1, len(EVERYTHING))  # all but the tests
BEFORE = [
    "policy.before_part",
    *(f"policy.after_part:{number}" for number in PARTS),
    "policy.before_commit",
]


def test_a_kill_at_any_point_leaves_the_old_or_the_new(
    app: Flask, database: Any, processes: Nursery, tmp_path: Path
) -> None:
    for name, text in EVERYTHING.items():
        (tmp_path / name).write_text(text, "utf-8")
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    old, tree = world.digest(app), world.exported(app)
    for point in BEFORE:
        assert processes.run_until_it_dies(APPLIER, tmp_path, url=url, failpoint=point), point
        assert world.digest(app) == old, point
    last = "policy.after_commit"
    assert processes.run_until_it_dies(APPLIER, tmp_path, url=url, failpoint=last)
    new = world.digest(app)
    assert processes.run(APPLIER, tmp_path, url=url)
    assert world.digest(app) == new != old
    assert not world.put(app, world.exported(app)).changes_anything
    world.put(app, tree)
    assert world.digest(app) == old


@pytest.fixture
def app(make_app: Any, database: Any) -> Flask:
    """A server on SQLite, and on PostgreSQL."""
    found: Flask = make_app(plugins=GOVERNING)
    return found
