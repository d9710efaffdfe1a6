"""Whether a run completed is decided by its own last word, not by an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.tiny_trainer.trainings import trainer

STARTED = {"type": "status", "status": "starting"}
RUNNING = {"type": "status", "status": "running"}
COMPLETED = {"type": "status", "status": "completed", "step": 9, "total": 9}
STOPPED = {"type": "status", "status": "stopped", "message": "stopped on request after step 4"}
FAILED = {"type": "error", "message": "the loss became nan at step 4"}


def outcome(workspace: Path, code: int | None, *events: dict[str, Any]) -> tuple[bool, str]:
    lines = [json.dumps({"v": 1, **event}) + "\n" for event in events]
    (workspace / "metrics.jsonl").write_text("".join(lines))
    return trainer().outcome({}, workspace, code)


@pytest.mark.parametrize("code", [0, None, -9])
def test_a_run_that_said_it_completed_did(tmp_path: Path, code: int | None) -> None:
    assert outcome(tmp_path, code, STARTED, RUNNING, COMPLETED) == (True, "")


def test_exit_code_0_alone_is_no_completion(tmp_path: Path) -> None:
    completed, why = outcome(tmp_path, 0, STARTED, RUNNING)
    assert not completed
    assert "never said that it completed" in why


@pytest.mark.parametrize(
    ("code", "event", "why"),
    [
        (1, FAILED, "The loss became nan at step 4."),
        (143, STOPPED, "Stopped on request after step 4."),
    ],
)
def test_the_last_word_is_the_reason(
    tmp_path: Path, code: int, event: dict[str, Any], why: str
) -> None:
    assert outcome(tmp_path, code, STARTED, RUNNING, event) == (False, why)


def test_an_earlier_attempt_has_no_say(tmp_path: Path) -> None:
    completed, why = outcome(tmp_path, -9, STARTED, FAILED, STARTED, RUNNING)
    assert not completed
    assert why == "The trainer ended with exit code -9 without a word of its own."


def test_the_last_word_is_found_behind_a_torn_line_and_megabytes(tmp_path: Path) -> None:
    progress = [{"type": "progress", "step": step, "pad": "x" * 1000} for step in range(2000)]
    assert outcome(tmp_path, 0, *progress, COMPLETED) == (True, "")
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"v": 1, "ty')
    assert trainer().outcome({}, tmp_path, 0) == (True, "")
