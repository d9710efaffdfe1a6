"""What a command left: torn checkpoints are none, and exit code 0 alone is no success."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from st_command_trainer.declared import load
from st_command_trainer.results import is_whole
from st_command_trainer.trainer import CommandTrainer


def trainer(profile: dict[str, Any]) -> CommandTrainer:
    return CommandTrainer(load({"toy": profile})[0])


def write(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_checkpoint_counts_once_its_marker_is_whole(toy: dict[str, Any], tmp_path: Path) -> None:
    it = trainer(toy)
    for step, state in ((40, b"{}"), (20, b"{}"), (60, b'{"global_st'), (80, None)):
        folder = tmp_path / f"output/checkpoint-{step}"
        write(folder / "weights.json", b"{}")
        if state is not None:
            write(folder / "trainer_state.json", state)
    (tmp_path / "output/checkpoint-99").symlink_to(tmp_path / "output/checkpoint-20")
    found = it.checkpoints(tmp_path)
    assert [(each.path, each.step) for each in found] == [
        ("output/checkpoint-20", 20),
        ("output/checkpoint-40", 40),
    ]
    assert all(each.size_bytes == 4 and each.saved_at for each in found)


def test_a_file_of_weights_counts_once_it_is_as_long_as_it_says(
    toy: dict[str, Any], tmp_path: Path
) -> None:
    toy["checkpoints"] = {"pattern": "output/model-step*.safetensors"}
    it = trainer(toy)
    write(tmp_path / "output/x")
    place = tmp_path / "output/model-step00000500.safetensors"
    save_file({"weight": np.zeros((4, 4), np.float32)}, place)
    assert [each.step for each in it.checkpoints(tmp_path)] == [500]
    place.write_bytes(place.read_bytes()[:-1])
    assert it.checkpoints(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content", "whole"),
    [
        ("a.safetensors", b"", False),
        ("a.safetensors", struct.pack("<Q", 1 << 60) + b"{}", False),
        ("a.safetensors", struct.pack("<Q", 2) + b"{}", True),
        ("a.json", b'{"a": 1', False),
        ("a.json", b'{"a": 1}', True),
        ("a.pt", b"PK\x03\x04 torn", False),
        ("a.png", b"", False),
        ("a.png", b"x", True),
    ],
)
def test_a_torn_file_is_not_whole(name: str, content: bytes, whole: bool, tmp_path: Path) -> None:
    write(tmp_path / name, content)
    assert is_whole(tmp_path / name) is whole


def test_a_pickle_of_torch_is_whole_when_its_archive_ends(tmp_path: Path) -> None:
    place = tmp_path / "random_states_0.pkl"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("data.pkl", "x")
    assert is_whole(place)


def test_evidence_must_be_there_for_completion(toy: dict[str, Any], tmp_path: Path) -> None:
    it = trainer(toy)
    write(tmp_path / "log", b"step 3\n")
    assert it.outcome({"steps": 3}, tmp_path, 0) == (
        False,
        "The command ended without an error, but output/final.json is not there or not whole.",
    )
    write(tmp_path / "output/final.json", b"{}")
    assert it.outcome({"steps": 3}, tmp_path, 0) == (True, "")
    assert it.outcome({"steps": 3}, tmp_path, 1)[0] is False


def test_the_log_can_be_the_evidence(toy: dict[str, Any], tmp_path: Path) -> None:
    it = trainer({**toy, "completion": {"log": "^model saved"}})
    write(tmp_path / "log", b"step 3\n")
    assert not it.outcome({"steps": 3}, tmp_path, 0)[0]
    write(tmp_path / "log", b"step 3\nmodel saved to x\n")
    assert it.outcome({"steps": 3}, tmp_path, 0)[0]


def test_the_last_step_can_be_the_evidence(toy: dict[str, Any], tmp_path: Path) -> None:
    it = trainer({**toy, "completion": {"steps": True}})
    write(tmp_path / "log", "steps: 50%|█ | 5/10 [00:01<00:01, 5.00it/s]\n".encode())
    assert it.outcome({"steps": 10}, tmp_path, 0) == (False, "The command ended at step 5 of 10.")
    write(tmp_path / "log", "steps: 100%|█ | 10/10 [00:02<00:00, 5.00it/s]\n".encode())
    assert it.outcome({"steps": 10}, tmp_path, 0) == (True, "")


def test_the_error_in_the_log_is_the_reason(toy: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path / "log", b"Traceback\nRuntimeError: the disk is on fire at step 7\n")
    assert trainer(toy).outcome({"steps": 10}, tmp_path, 1) == (
        False,
        "RuntimeError: the disk is on fire at step 7",
    )
