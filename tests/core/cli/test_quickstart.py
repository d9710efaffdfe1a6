"""`simpletuner quickstart`: one command from nothing to a trained model."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from st_core.testing.server import ServerProcess

pytestmark = pytest.mark.slow
Spawn = Callable[..., "subprocess.Popen[str]"]
PNG = b"\x89PNG\r\n\x1a\n"


def test_it_trains_the_sample_and_prints_one_json_object_alone(
    spawn: Spawn, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("--port", str(port), "--state-dir", str(state), "--steps", "30")
        process = spawn("quickstart", *words, "--exit", "--format", "json")
        out, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    result = json.loads(out)
    assert set(result) == {
        "job_id",
        "status",
        "seconds",
        "first_loss",
        "last_loss",
        "samples",
        "checkpoints",
        "url",
    }
    assert result["status"] == "completed"
    assert result["last_loss"] < result["first_loss"]
    assert result["url"].startswith("http://127.0.0.1:")
    assert f":{port}/" not in result["url"]
    assert result["samples"]
    assert all(Path(path).is_absolute() for path in result["samples"] + result["checkpoints"])
    assert all(Path(path).read_bytes().startswith(PNG) for path in result["samples"])
    assert result["checkpoints"]
    assert all(Path(path).exists() for path in result["checkpoints"])
    assert state in Path(result["samples"][0]).parents
    assert ServerProcess(state).leftovers() == []


def test_the_state_folder_of_the_environment_is_used_and_a_failed_job_fails_the_command(
    spawn: Spawn, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    process = spawn(
        "quickstart", "--port", "0", "--steps", "999999999", "--exit",
        SIMPLETUNER_STATE_DIR=str(state),
    )  # fmt: skip
    out, told = process.communicate(timeout=120)
    assert process.returncode != 0
    assert out == ""
    assert "steps" in told
    assert state.is_dir()


def test_ctrl_c_ends_the_server_and_says_that_the_training_goes_on(
    spawn: Spawn, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    process = spawn("quickstart", "--port", "0", "--state-dir", str(state), "--steps", "100000")
    assert process.stderr is not None
    while "training" not in (line := process.stderr.readline()):
        assert line, "it ended before the training began"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on without it" in told
    left = ServerProcess(state)
    try:
        assert left.leftovers(), "the training was ended, too"
        assert not [each for each in left.leftovers() if "st_core.serving" in each.cmdline()]
    finally:
        left.clean()


def test_it_serves_on_until_it_is_told_to_end(spawn: Spawn, tmp_path: Path) -> None:
    words = ("--port", "0", "--state-dir", str(tmp_path / "state"), "--steps", "20")
    process = spawn("quickstart", *words)
    assert process.stderr is not None
    while "Ctrl-C ends it" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    assert psutil.Process(process.pid).children()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    page = next(line.split()[1] for line in out.splitlines() if line.startswith("page"))
    assert page.startswith("http://127.0.0.1:")
    sample = next(line.split()[1] for line in out.splitlines() if line.startswith("samples"))
    assert os.path.isfile(sample)
