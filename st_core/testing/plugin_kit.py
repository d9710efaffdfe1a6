"""What every plugin promises: subclass `PluginContract` in two lines.

    class TestContract(PluginContract):
        plugin = "hello"

Tests of single answers are in `plugin_answers`; here are those that need a running app.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from flask import Flask

from .. import schema
from ..app import BUNDLED
from ..contracts import Setting
from ..db import db, unit_of_work
from ..errors import ConfigError
from ..models import Delivery, Event
from ..plugins import GROUP
from ..reference import hook_names
from . import plugin_answers
from .databases import differences
from .work import deliver_all

#: Writes what an import did to the world outside: files, sockets, processes, threads.
PROBE = """
import sys, threading
seen = []
def see(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if writes and "__pycache__" not in str(args[0]):
        seen.append(f"writes {args[0]}")
    elif event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "os.mkdir"):
        if "__pycache__" not in str(args[0]):
            seen.append(f"{event} {args[0]}")
sys.addaudithook(see)
__import__(sys.argv[1])
print(seen + [t.name for t in threading.enumerate() if t is not threading.main_thread()])
"""


class PluginContract:
    """Tests of one plugin's promises."""

    plugin: ClassVar[str]
    #: Tables of the plugin whose rows move on as soon as it is switched on again.
    moving: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Flask:
        """The server with this plugin and the zoo, so that a job can be run."""
        return make_app(plugins=[self.plugin, "zoo"])

    @pytest.fixture
    def module(self) -> str:
        """The plugin's module."""
        (point,) = importlib.metadata.entry_points(group=GROUP, name=self.plugin)
        return point.value

    def test_importing_it_does_nothing_to_the_world(self, module: str) -> None:
        command = [sys.executable, "-B", "-c", PROBE, module]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr

    def test_it_says_what_it_does(self, app: Flask) -> None:
        rows = {row["name"]: row for row in app.extensions["st"].plugins.describe()}
        assert rows[self.plugin]["summary"]
        assert rows[self.plugin]["hooks"]

    def test_the_server_starts_with_it_alone(self, make_app: Callable[..., Flask]) -> None:
        client = make_app(plugins=[self.plugin]).test_client()
        assert client.get("/health").status_code == 200

    def test_the_server_starts_with_it_beside_all_bundled_plugins(
        self, make_app: Callable[..., Flask]
    ) -> None:
        everyone = [*BUNDLED, self.plugin] if self.plugin not in BUNDLED else list(BUNDLED)
        client = make_app(plugins=everyone).test_client()
        assert client.get("/health").status_code == 200

    def test_its_answers_have_the_promised_types(
        self, app: Flask, viewer: Callable[..., Any]
    ) -> None:
        plugin_answers.check_types(app, self.plugin, viewer("admin"))

    def test_its_settings_are_explained_and_their_defaults_valid(self, app: Flask) -> None:
        settings = app.extensions["st"].settings
        for key, owner in settings.owners.items():
            setting: Setting = settings.declared[key]
            if owner == self.plugin:
                assert setting.help.endswith("."), f"{key}: help is a sentence"
                assert settings.check(key, setting.default) == setting.default

    def test_an_unknown_setting_of_its_section_stops_the_start(
        self, make_app: Callable[..., Flask], state_dir: Path
    ) -> None:
        wrong = {self.plugin: {"no_such_setting": 1}}
        (state_dir / "simpletuner-enterprise.json").write_text(json.dumps(wrong))
        with pytest.raises(ConfigError, match="no_such_setting"):
            make_app(plugins=[self.plugin], prepare=False)

    def test_its_names_begin_with_its_own(self, app: Flask, module: str) -> None:
        blueprints = plugin_answers.answer(app, self.plugin, "st_blueprints")
        assert [each.name for each in blueprints[:1]] in ([], [self.plugin])
        for table in plugin_answers.tables(module):
            assert table.name.startswith(f"{self.plugin}_")

    def test_its_tables_point_only_to_the_core_and_let_the_core_delete(self, module: str) -> None:
        mine = plugin_answers.tables(module)
        for table in mine:
            for key in table.foreign_keys:
                target = key.column.table
                if target not in mine:
                    assert key.ondelete, f"{key.parent}: say what a deleted {target.name} means"
                    assert plugin_answers.is_core(target), f"{key.parent} points to a plugin"

    def test_its_migrations_go_up_and_down_and_up_and_equal_its_models(
        self, make_app: Callable[..., Flask], database: Any
    ) -> None:
        app = make_app(plugins=[self.plugin], database_url=database.empty(), prepare=False)
        schema.upgrade(app)
        if self.plugin in [each.owner for each in schema.lineages(app)]:
            assert differences(app, self.plugin) == []
            schema.downgrade(app, self.plugin)
            schema.upgrade(app)
            assert differences(app, self.plugin) == []
        assert schema.pending(app) == []

    def test_switched_off_and_on_again_it_keeps_its_rows(
        self, make_app: Callable[..., Flask], module: str, run_job: Callable[..., str]
    ) -> None:
        app = make_app(plugins=[self.plugin, "zoo"])
        url = app.config["SQLALCHEMY_DATABASE_URI"]
        run_job(app=app)
        before = plugin_answers.rows(app, module)
        without = make_app(plugins=["zoo"], database_url=url)
        assert without.test_client().get("/health").status_code == 200
        run_job(app=without)
        again = make_app(plugins=[self.plugin, "zoo"], database_url=url)
        after = plugin_answers.rows(again, module)
        for name, rows in before.items():
            assert len(after[name]) >= len(rows)
            if name not in self.moving:
                assert [row for row in rows if row not in after[name]] == []

    def test_an_event_that_comes_twice_leaves_the_same_rows(
        self, app: Flask, module: str, run_job: Callable[..., str]
    ) -> None:
        run_job(app=app)
        before = plugin_answers.rows(app, module)
        with app.app_context(), unit_of_work():
            db.session.execute(sa.update(Delivery).values(state="pending"))
        deliver_all(app)
        assert plugin_answers.rows(app, module) == before
        with app.app_context():
            failed = db.session.scalars(
                sa.select(Delivery).where(Delivery.error.is_not(None))
            ).all()
            assert [each.error for each in failed] == []
            assert db.session.scalar(sa.select(sa.func.count(Event.id)))

    def test_it_implements_only_hooks_there_are(self, app: Flask) -> None:
        known = {name for names in hook_names().values() for name in names}
        rows = {row["name"]: row for row in app.extensions["st"].plugins.describe()}
        assert set(rows[self.plugin]["hooks"]) <= known
