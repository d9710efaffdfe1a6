"""Starting: no SQL before boot, one clear line for whatever is wrong, any plugin may be missing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from st_core.app import BUNDLED, create_app
from st_core.testing.database_fixtures import Database
from st_core.testing.server import ServerProcess
from tests.core.processes import Nursery, nursery
from tests.exam import Exam
from tests.stories import Story

START_SECONDS = 60
Refusal = Callable[[ServerProcess], str]
HOOK = "from st_core import hookimpl\n\n\n@hookimpl\n"

#: name → (configuration file, what the one line must say)
WRONG_CONFIGURATIONS = {
    "a plugin that is not installed": (
        "plugins: {enabled: [tiny_traner]}",
        ["'tiny_traner'", "not installed", "Did you mean 'tiny_trainer'?"],
    ),
    "a plugin named twice": ("plugins: {enabled: [metrics, metrics]}", ["metrics", "twice"]),
    "plugins that are no list": ("plugins: {enabled: metrics}", ["plugins.enabled", "list"]),
    "an unknown setting": (
        "server: {prot: 8080}",
        ["'server.prot'", "Did you mean 'server.port'?"],
    ),
    "a value of the wrong type": ("server: {threads: many}", ["server.threads", "'many'"]),
    "a value out of bounds": ("server: {threads: 0}", ["server.threads", "minimum of 1"]),
    "a word that is no choice": ("auth: {mode: open}", ["auth.mode", "'open'", "local"]),
    "broken YAML": (
        "server: {port: 8080\nauth: {mode: auto}",
        ["simpletuner-enterprise.yaml", "line"],
    ),
    "a list instead of sections": ("- server", ["simpletuner-enterprise.yaml", "mapping"]),
    "a variable that is not set": (
        "database: {url: '${NO_SUCH_DB}'}",
        ["${NO_SUCH_DB}", "database.url", "not set"],
    ),
    "a database that cannot be reached": (
        "database: {url: 'postgresql+psycopg://nobody@127.0.0.1:1/none'}",
        ["database cannot be opened"],
    ),
}

#: name → (source of the plugin `odd`, what the one line must say)
WRONG_PLUGINS = {
    "a misspelt hook": (
        HOOK + "def st_setings(): return []",
        ["odd", "'st_setings'", "'st_settings'"],
    ),
    "a hook with an argument too many": (
        HOOK + "def st_settings(app): return []",
        ["odd", "st_settings", "app"],
    ),
    "a plugin that cannot be imported": (
        "import no_such_library",
        ["odd", "st-odd", "no_such_library"],
    ),
    "a setting outside its section": (
        "from st_core.contracts import Setting\n"
        + HOOK
        + "def st_settings(): return [Setting('server.mine', int, 1, 'Odd.')]",
        ["odd", "'server.mine'"],
    ),
    "a provider whose name is taken": (
        "from st_core.testing.fakes import FakeProvider, InstantProvider\n"
        + HOOK
        + "def st_providers(): return [InstantProvider(), InstantProvider()]",
        ["odd", "provider", "'instant'"],
    ),
    "a permission of the core": (
        "from st_core.contracts import Permission\n"
        + HOOK
        + "def st_permissions(): return [Permission('job.submit', 'Mine', ())]",
        ["'job.submit'", "core"],
    ),
    "a route that declares no permission": (
        "from flask import Blueprint\nblueprint = Blueprint('odd', __name__)\n"
        "blueprint.add_url_rule('/odd', 'odd', lambda: 'x')\n"
        + HOOK
        + "def st_blueprints(): return [blueprint]",
        ["/odd", "permission"],
    ),
    "a route that is somebody else's": (
        "from flask import Blueprint\nfrom st_core.api.routing import route\n"
        "blueprint = Blueprint('odd', __name__)\n"
        "@route(blueprint, '/health', permission='job.submit', summary='Mine')\n"
        "def mine(): return {}\n" + HOOK + "def st_blueprints(): return [blueprint]",
        ["odd", "/health"],
    ),
    "a start-up that refuses": (
        "from st_core.errors import ConfigError\n"
        + HOOK
        + "def st_startup(app): raise ConfigError('odd cannot run on a Monday.')",
        ["odd cannot run on a Monday."],
    ),
}


@pytest.fixture(scope="module")
def processes() -> Iterator[Nursery]:
    """Processes in which the server is imported already: what refuses a start comes after that."""
    with nursery() as ready:
        yield ready


@pytest.fixture
def refusal(processes: Nursery) -> Refusal:
    """Return the one line that a server which does not start says, and check that it is one."""

    def refused(server: ServerProcess) -> str:
        port = str(server.port)
        words = ["server", "--host", "127.0.0.1", "--port", port, *server.arguments]
        env = os.environ | server.env
        return only_line(*processes.command("simpletuner", *words, env=env, cwd=server.state_dir))

    return refused


def only_line(code: int, output: str) -> str:
    """Return the one line of a refusal."""
    assert code == 2, output
    lines = [line for line in output.splitlines() if line.strip()]
    assert len(lines) == 1, output
    return lines[0]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect every SQL statement of every engine."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_making_an_app_issues_no_sql_and_makes_no_database(state_dir: Path) -> None:
    with statements() as seen:
        create_app()
    assert seen == []
    assert not (state_dir / "app.db").exists()


def test_importing_the_package_imports_neither_flask_nor_a_plugin() -> None:
    code = "import st_core, sys; print([m for m in sys.modules if m in ('flask', 'sqlalchemy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_enabled_plugins_are_imported(state_dir: Path) -> None:
    code = (
        "from st_core import create_app; import sys; create_app({'plugins.enabled': ['metrics']});"
        "print(sorted(m for m in sys.modules if m.startswith('st_') and '.' not in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['st_core', 'st_metrics']"


@pytest.mark.slow
@pytest.mark.parametrize("case", WRONG_CONFIGURATIONS)
def test_a_wrong_configuration_stops_the_start_with_one_clear_line(
    case: str,
    server: Callable[..., ServerProcess],
    state_dir: Path,
    refusal: Refusal,
) -> None:
    text, fragments = WRONG_CONFIGURATIONS[case]
    process = server()
    (state_dir / "simpletuner-enterprise.json").unlink(missing_ok=True)
    (state_dir / "simpletuner-enterprise.yaml").write_text(text)
    line = refusal(process)
    assert [each for each in fragments if each not in line] == [], line


@pytest.mark.slow
def test_from_a_cold_start_as_well_one_line_is_all_there_is(
    server: Callable[..., ServerProcess],
) -> None:
    process = server(server__threads="many")
    code = process.launch().wait(START_SECONDS)
    assert "server.threads" in only_line(code, process.output())


@pytest.mark.slow
@pytest.mark.parametrize("case", WRONG_PLUGINS)
def test_a_wrong_plugin_stops_the_start_with_one_clear_line(
    case: str,
    server: Callable[..., ServerProcess],
    install_plugin: Callable[..., Path],
    refusal: Refusal,
) -> None:
    source, fragments = WRONG_PLUGINS[case]
    install_plugin("odd", source)
    line = refusal(server(plugins=["odd"]))
    assert [each for each in fragments if each not in line] == [], line


@pytest.mark.slow
def test_two_packages_with_a_plugin_of_one_name_are_both_named(
    server: Callable[..., ServerProcess],
    install_plugin: Callable[..., Path],
    refusal: Refusal,
) -> None:
    install_plugin("metrics", "", "st-other-metrics")
    line = refusal(server())
    assert "'metrics'" in line
    assert "simpletuner-server" in line
    assert "st-other-metrics" in line


@pytest.mark.slow
def test_a_state_folder_that_cannot_be_written_is_named(
    server: Callable[..., ServerProcess],
    state_dir: Path,
    refusal: Refusal,
) -> None:
    (state_dir / "a-file").touch()
    line = refusal(server(env={"SIMPLETUNER_STATE_DIR": str(state_dir / "a-file" / "inside")}))
    assert str(state_dir / "a-file" / "inside") in line
    assert "--state-dir" in line


@pytest.mark.slow
def test_a_configuration_file_that_is_named_but_missing_is_named(
    server: Callable[..., ServerProcess],
    refusal: Refusal,
) -> None:
    line = refusal(server(env={"SIMPLETUNER_ENTERPRISE_CONFIG": "/nowhere/st.yaml"}))
    assert "/nowhere/st.yaml" in line


@pytest.mark.slow
def test_a_port_in_use_is_named(server: Callable[..., ServerProcess], refusal: Refusal) -> None:
    process = server()
    with socket.create_server(("127.0.0.1", process.port)):
        line = refusal(process)
    assert str(process.port) in line
    assert "in use" in line


@pytest.mark.slow
def test_a_pending_migration_is_named_with_the_command(
    server: Callable[..., ServerProcess],
    database: Database,
    refusal: Refusal,
) -> None:
    if database.kind == "postgresql":
        process = server(env={"SIMPLETUNER_DATABASE_URL": database.empty()})
        line = refusal(process)
        assert "core (empty → core_" in line
        assert "flask st migrate" in line
    else:
        server().start()  # a laptop's SQLite is migrated without a word


@pytest.mark.slow
@pytest.mark.parametrize("missing", BUNDLED)
def test_without_any_one_bundled_plugin_the_journey_of_what_remains_passes(
    missing: str, server: Callable[..., ServerProcess], exam: Exam
) -> None:
    rest = [name for name in BUNDLED if name != missing]
    running = server(plugins=[*rest, "zoo"]).start()
    with Story(running) as story:
        story.train(
            provider="slow" if missing == "local_gpu" else "local_gpu",
            trainer="fake_trainer" if missing == "tiny_trainer" else "tiny_trainer",
        )
        story.see_every_page(exam.count("addresses of pages followed", 35, 80))
        assert missing not in {each["name"] for each in story.plugins() if each["enabled"]}
        scraped = story.get("/api/cloud/metrics/prometheus").status_code
        assert scraped == (404 if missing == "metrics" else 200)


@pytest.mark.slow
def test_without_any_plugin_the_server_starts_and_shows_its_pages(
    server: Callable[..., ServerProcess],
) -> None:
    with Story(server(plugins=[]).start()) as story:
        story.see_every_page()


def test_a_config_whose_trainer_was_switched_off_can_still_be_read(
    make_app: Callable[..., Flask],
) -> None:
    on = make_app(plugins=["tiny_trainer"])
    off = make_app(plugins=[], database_url=on.config["SQLALCHEMY_DATABASE_URI"])
    page = off.test_client().get("/configs/digits")
    assert page.status_code == 200
    assert "tiny_trainer is not enabled" in page.get_data(as_text=True)
