"""A crash at any moment of saving leaves whole checkpoints: the old ones, or the new one too."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from st_tiny_trainer.trainer import ENGINE

from tests.exam import IS_EXAM
from tests.plugins.tiny_trainer.trainings import SMALL, Training, trainer

#: Runs the program, and kills it at the call number argv[3] that makes a file or a name durable.
DIES_WHILE_SAVING = """
import os, signal, sys
engine, config, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.path.insert(0, engine)
calls = 0
def deadly(real):
    def call(*arguments):
        global calls
        saving = real is os_fsync or "checkpoint" in str(arguments[0])
        calls += saving
        if calls == last and saving:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    return call
os_fsync = os.fsync
os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
from tiny_flow.process import main
sys.exit(main([config], os.environ))
"""
CALLS_PER_CHECKPOINT = 7  # four files, their folder, the new name, the folder above
#: Which of those calls a run of the suite dies at; the exam takes every one.
DEADLY = range(1, CALLS_PER_CHECKPOINT + 1) if IS_EXAM else (1, 4, 6, 7)
CONFIG = {**SMALL, "steps": 20, "checkpoint_every": 10, "final_samples": 0}


@pytest.mark.parametrize("call", DEADLY)
def test_a_crash_while_saving_leaves_only_whole_checkpoints(tmp_path: Path, call: int) -> None:
    training = Training(tmp_path / "w", CONFIG)
    launch = training.trainer.launch(training.config, training.workspace)
    (training.workspace / "trainer_config.json").write_text(launch.files["trainer_config.json"])
    number = str(CALLS_PER_CHECKPOINT + call)  # while saving the second one
    arguments = [sys.executable, "-c", DIES_WHILE_SAVING, str(ENGINE), launch.argv[-1], number]
    env = {"PATH": os.environ["PATH"], **launch.env}
    done = subprocess.run(arguments, env=env, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    renamed = call == CALLS_PER_CHECKPOINT
    assert training.steps_saved() == ([10, 20] if renamed else [10])
    assert training.run(training.newest()) == 0
    assert training.steps_saved() == [10, 20]
    assert not list((training.workspace / "checkpoints").glob("*-tmp"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the checkpoints 10 and 20."""
    training = Training(tmp_path_factory.mktemp("saved") / "w", CONFIG)
    assert training.run() == 0
    return training.workspace


@pytest.fixture
def workspace(saved: Path, tmp_path: Path) -> Path:
    """A copy of that workspace, to be damaged."""
    return shutil.copytree(saved, tmp_path / "copy")


def steps(workspace: Path) -> list[int]:
    return [each.step for each in trainer().checkpoints(workspace)]


def test_checkpoints_are_listed_with_their_size_and_time(workspace: Path) -> None:
    newest = trainer().checkpoints(workspace)[-1]
    files = (workspace / newest.path).iterdir()
    assert newest.size_bytes == sum(file.stat().st_size for file in files)
    assert newest.saved_at is not None
    assert newest.saved_at.utcoffset() is not None


def test_a_folder_without_its_state_is_no_checkpoint(workspace: Path) -> None:
    (workspace / "checkpoints/checkpoint-20/training_state.json").unlink()
    assert steps(workspace) == [10]


def test_a_file_cut_short_unmakes_a_checkpoint(workspace: Path) -> None:
    os.truncate(workspace / "checkpoints/checkpoint-20/optimizer.safetensors", 1000)
    assert steps(workspace) == [10]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}', '{"files": {}, "step": "x"}'])
def test_a_state_that_makes_no_sense_unmakes_a_checkpoint(workspace: Path, text: str) -> None:
    (workspace / "checkpoints/checkpoint-20/training_state.json").write_text(text)
    assert steps(workspace) == [10]


def test_other_folders_are_no_checkpoints(workspace: Path) -> None:
    source = workspace / "checkpoints/checkpoint-20"
    for name in ("checkpoint-30-tmp", "checkpoint-20-replaced", "best", "checkpoint-"):
        shutil.copytree(source, workspace / "checkpoints" / name)
    assert steps(workspace) == [10, 20]


def test_a_checkpoint_holds_named_tensors_and_a_readable_state(workspace: Path) -> None:
    folder = workspace / "checkpoints/checkpoint-20"
    names = {file.name for file in folder.iterdir()}
    parts = {f"{part}.safetensors" for part in ("model", "ema", "optimizer")}
    assert names == parts | {"training_state.json"}
    state = json.loads((folder / "training_state.json").read_text())
    assert state["config"]["steps"] == 20
    assert len(state["data"]["sha256"]) == 64
