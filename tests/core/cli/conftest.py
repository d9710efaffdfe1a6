"""A real server for a module of tests, and the command run as a shell would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from st_core.cli import main
from st_core.testing.server import ServerProcess

#: A model so small that its training takes a moment.
TINY = ("width=32", "blocks=1", "batch_size=16", "final_samples=10")
SHORT = tuple(word for change in ("steps=20", *TINY) for word in ("--set", change))


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for the whole module, with a fresh state folder."""
    server = ServerProcess(tmp_path_factory.mktemp("state"))
    try:
        yield server.start()
    finally:
        server.clean()


@pytest.fixture
def run(
    running: ServerProcess, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run `simpletuner …` in this process, against the module's server."""
    monkeypatch.setenv("SIMPLETUNER_HOST", "127.0.0.1")
    monkeypatch.setenv("SIMPLETUNER_PORT", str(running.port))
    monkeypatch.delenv("SIMPLETUNER_API_KEY", raising=False)

    def call(*words: str) -> Ended:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["simpletuner", *words])
        with pytest.raises(SystemExit) as leaving:
            main()
        out, err = capfd.readouterr()
        return Ended(int(leaving.value.code or 0), out, err)

    return call


def command(*words: str) -> list[str]:
    """Return the command line of `simpletuner …` in a process of its own."""
    return [str(Path(sys.executable).with_name("simpletuner")), *words]


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `simpletuner …` in a process of its own; at the end it is killed if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **env: str) -> subprocess.Popen[str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SIMPLETUNER_", "FLASK_"))
        }
        started.append(
            subprocess.Popen(
                command(*words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env=kept | {"HOME": str(tmp_path)} | env,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
