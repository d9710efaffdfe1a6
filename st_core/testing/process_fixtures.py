"""Fixtures for real servers in processes of their own, and for plugins installed for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .database_fixtures import Database
    from .server import ServerProcess


@pytest.fixture
def find_zoo(tmp_path: Path) -> Iterator[Callable[[Sequence[str] | None], None]]:
    """Let `zoo` and `paid`, which no distribution brings, be found once somebody names one."""
    from .installed import installed, write_distribution

    folder = tmp_path / "zoo"
    modules = {"zoo": "st_core.testing.zoo", "paid": "st_core.testing.paid"}
    with ExitStack() as stack:

        def find(plugins: Sequence[str] | None) -> None:
            if not modules.keys().isdisjoint(plugins or ()) and not folder.exists():
                write_distribution(folder, modules, "st-zoo")
                stack.enter_context(installed(folder))

        yield find


@pytest.fixture
def server(
    request: pytest.FixtureRequest, state_dir: Path, find_zoo: Callable[..., None]
) -> Iterator[Callable[..., ServerProcess]]:
    """Make real servers: `server("--processes", "2", plugins=["zoo"]).start()`.

    Words are arguments of the command; `settings` by keyword (`queue__max_concurrent=1`) go into
    its configuration file, `env` into its environment. On a test's `database` it gets a migrated
    one. At the end everything that still runs is killed.
    """
    from .server import ServerProcess

    made: list[ServerProcess] = []

    def make(
        *arguments: str,
        plugins: Sequence[str] | None = None,
        state: Path | None = None,
        env: dict[str, str] | None = None,
        **settings: Any,
    ) -> ServerProcess:
        find_zoo(plugins)
        if plugins is not None:
            settings["plugins__enabled"] = list(plugins)
        if "database" in request.fixturenames:
            database: Database = request.getfixturevalue("database")
            if database.kind != "sqlite":
                settings["database__url"] = database.fresh(plugins)
        process = ServerProcess(state or state_dir, *arguments, **(env or {}))
        process.configure({key.replace("__", "."): value for key, value in settings.items()})
        made.append(process)
        return process

    yield make
    for process in made:
        process.clean()


@pytest.fixture
def install_plugin(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Install plugins for this test: `install_plugin("odd", source)`; servers see them, too."""
    from .installed import installed, write_plugin

    folder = tmp_path / "installed"
    folder.mkdir()

    def install(name: str, source: str, distribution: str = "") -> Path:
        write_plugin(folder, name, source, distribution)
        return folder

    with installed(folder):
        yield install
