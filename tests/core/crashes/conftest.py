"""A database and a state folder on which server processes live and die one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.services import events
from tests.core import zoo_jobs
from tests.core.processes import Nursery

LIFE = Path(__file__).with_name("life.py")
#: A subscriber that writes down every event it is handed, and dies with the process if told to.
WITNESS = """
import os, signal
from pathlib import Path
from st_core import hookimpl

SEEN = Path(os.environ["SIMPLETUNER_STATE_DIR"]) / "witnessed"
DEADLY = SEEN.with_name("deadly")


@hookimpl
def st_on_event(event):
    with SEEN.open("a") as file:
        file.write(f"{event.id}\\n")
    if DEADLY.exists():
        DEADLY.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
"""


class World:
    """What stays when processes die: the database, the workspaces, what was witnessed."""

    def __init__(self, app: Flask, folder: Path, processes: Nursery) -> None:
        self.app = app
        self._processes = processes
        self.folder = folder
        self.url = str(app.config["SQLALCHEMY_DATABASE_URI"])

    def submit(self, failpoint: str = "", **asked: Any) -> dict[str, Any]:
        """Admit a job in a process of its own, which dies at `failpoint` if one is named."""
        draft = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}} | asked
        return self._live("submit", json.dumps(draft), failpoint) or {}

    def serve(self, failpoint: str = "", *, later: float = 0) -> None:
        """Run a server until all is done, or until it dies at `failpoint`."""
        told = self._live("serve", later, failpoint)
        assert told is None or told["left"] == 0, f"not all was done: {self.describe()}"

    def serve_until_it_dies(self, failpoint: str, *, later: float = 0) -> bool:
        """Run a server that may die at `failpoint`; tell whether it did."""
        return self._processes.run_until_it_dies(
            LIFE, "serve", later, url=self.url, failpoint=failpoint
        )

    def look(self, *, later: float = 0) -> None:
        """Run a server's services once. Raises Died when it does not end well."""
        self._live("look", later, "")

    def _live(self, role: str, word: object, failpoint: str) -> Any:
        if failpoint:
            died = self._processes.run_until_it_dies(
                LIFE, role, word, url=self.url, failpoint=failpoint
            )
            assert died, f"{failpoint} was not reached"
            return None
        return self._processes.run(LIFE, role, word, url=self.url)

    def witnessed(self) -> list[int]:
        """Return the numbers of the events that the subscriber was handed, in that order."""
        path = self.folder / "witnessed"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def head(self) -> int:
        """Return the number of the newest event."""
        with self.app.app_context():
            return events.head()

    def describe(self) -> str:
        """Return where every job stands, for a failing test."""
        found = {}
        for job_id, state in zoo_jobs.states(self.app).items():
            attempts = [(a.number, a.outcome) for a in zoo_jobs.attempts(self.app, job_id)]
            found[job_id] = (str(state), attempts, zoo_jobs.starts(self.app, job_id))
        return str(found)


@pytest.fixture
def world(
    make_app: Callable[..., Flask],
    database: Any,
    install_plugin: Callable[..., Path],
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    processes: Nursery,
) -> World:
    """A fresh world, on SQLite and on PostgreSQL."""
    install_plugin("witness", WITNESS)
    monkeypatch.setenv("LIFE_PLUGINS", "zoo witness")
    return World(make_app(plugins=["zoo", "witness"]), state_dir, processes)
