"""Sign-in providers of the configuration file: they are what the file says, and only that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db
from st_core.errors import ConfigError, NotFound
from st_core.models import Event
from st_core.services import auth_providers
from st_core.services.auth_providers import Wanted
from tests.core.toy_idp import TOY

FILE = "simpletuner-enterprise.yaml"


@pytest.fixture
def start(
    make_app: Callable[..., Flask],
    install_plugin: Callable[..., Path],
    database: Any,
    state_dir: Path,
) -> Callable[..., Flask]:
    """Start the server with this block in its file, on one and the same database."""
    install_plugin("toy", TOY)
    urls: list[str] = []

    def begin(text: str) -> Flask:
        (state_dir / FILE).write_text(text)
        app = make_app(plugins=["toy"], database_url=urls[0] if urls else None)
        urls[:] = [app.config["SQLALCHEMY_DATABASE_URI"]]
        return app

    return begin


def events(app: Flask) -> list[str]:
    with app.app_context():
        query = select(Event.message).where(Event.name == "provider.configured").order_by(Event.id)
        return list(db.session.scalars(query))


def test_a_block_becomes_a_record_and_a_second_start_changes_nothing(
    start: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_PASSWORD", "canary-91c")
    block = 'toy:\n  server: here\n  password: "${TOY_PASSWORD}"\n'
    for _ in range(2):
        app = start(block)
        with app.app_context():
            record = auth_providers.find("toybox", "toy")
            assert (record.managed_by, record.enabled) == ("file", True)
            assert record.config.password == "canary-91c"  # type: ignore[attr-defined]
            assert record.level_mapping == {"lead": ["L"]}
            assert "canary-91c" not in str(auth_providers.row("toybox").config)
    assert events(app) == ["the sign-in provider toybox was added"]


def test_what_the_file_changes_takes_out_or_forgets_is_so_at_the_next_start(
    start: Callable[..., Flask],
) -> None:
    start("toy:\n  server: here\n  password: secret\n")
    app = start("toy:\n  server: there\n  enabled: false\n")
    with app.app_context():
        record = auth_providers.find("toybox")
        assert (record.enabled, record.config.model_dump()["password"]) == (False, "")
        assert record.config.model_dump()["server"] == "there"
    app = start("")
    with app.app_context(), pytest.raises(NotFound):
        auth_providers.find("toybox")
    assert [each.split()[-1] for each in events(app)] == ["added", "changed", "removed"]


def test_a_record_of_the_page_becomes_the_files_and_others_stay(
    start: Callable[..., Flask],
) -> None:
    from st_core.testing import people

    app = start("")
    admin = people.viewer_of(app, people.make_user(app, "admin"))
    with app.app_context():
        for name in ("toybox", "other"):
            auth_providers.create(admin, name, "toy", Wanted(config={"server": "page"}))
    app = start("toy:\n  server: file\n")
    with app.app_context():
        assert auth_providers.find("toybox").managed_by == "file"
        assert auth_providers.find("other").managed_by == "page"


def test_a_wrong_block_stops_the_start_with_one_sentence(start: Callable[..., Flask]) -> None:
    with pytest.raises(ConfigError, match=r"toy: .*config\.server"):
        start(f"toy:\n  server: {'x' * 101}\n")
