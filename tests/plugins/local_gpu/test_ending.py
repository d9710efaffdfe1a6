"""The verdict on an ended attempt: the sentence people read, and whether it is tried again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from st_local_gpu.ending import Ending, duration, judge, tail_of

from st_core.progress.readings import Phase

FAILED = (False, "ValueError: no such optimizer")


def record(**changes: Any) -> dict[str, Any]:
    plain = {
        "returncode": 1,
        "signal": None,
        "requested": "none",
        "error": None,
        "fault": None,
        "peak_rss_bytes": None,
        "kernel_oom_kills": 0,
    }
    return {**plain, **changes}


def verdict(tail: str = "", evidence: tuple[bool, str] = FAILED, **changes: Any) -> Ending:
    return judge(record(**changes), {"time_limit_seconds": 7200}, evidence, tail, 1571)


def test_the_trainers_evidence_decides_not_the_exit_code() -> None:
    assert verdict(evidence=(True, ""), returncode=0).phase is Phase.COMPLETED
    assert verdict(evidence=(True, ""), returncode=1).phase is Phase.COMPLETED
    stopped = verdict(evidence=(False, "It stopped early."), returncode=0)
    assert (stopped.phase, stopped.message) == (Phase.FAILED, "It stopped early.")


def test_what_was_left_behind_does_not_spoil_a_completion() -> None:
    ended = verdict(evidence=(True, ""), returncode=0, requested="leftovers")
    assert ended.phase is Phase.COMPLETED


def test_a_cancelled_attempt_is_cancelled_however_it_ended() -> None:
    for code in (0, -9, 143, 1, None):
        ended = verdict(requested="cancel", returncode=code)
        assert ended == Ending(Phase.CANCELLED, "Cancelled at step 1,571.")


def test_a_time_limit_fails_and_is_not_tried_again() -> None:
    ended = verdict(requested="time_limit", returncode=-15, signal=15)
    assert ended == Ending(Phase.FAILED, "The time limit of 2 h was reached at step 1,571.")


def test_a_shutdown_of_the_machine_is_tried_again() -> None:
    ended = verdict(requested="terminated", returncode=-15, signal=15)
    assert (ended.phase, ended.resumable) == (Phase.FAILED, True)
    assert "shutdown" in ended.message


def test_a_lost_attempt_is_tried_again() -> None:
    ended = verdict(lost="The machine restarted.", returncode=None)
    assert ended == Ending(Phase.LOST, "The machine restarted.", resumable=True)


def test_a_program_that_could_not_start_is_not_tried_again() -> None:
    ended = verdict(error="/x could not be started: not found", returncode=None)
    assert (ended.phase, ended.resumable) == (Phase.FAILED, False)


@pytest.mark.parametrize(
    ("changes", "tail"),
    [
        ({"returncode": -9, "signal": 9}, ""),
        ({"returncode": 137}, ""),
        ({"returncode": 1}, "worker 3 failed, exitcode  : -9 (pid: 12)"),
        ({"returncode": 1}, "died with <Signals.SIGKILL: 9>"),
    ],
)
def test_a_kill_from_outside_was_probably_for_memory(changes: dict[str, Any], tail: str) -> None:
    ended = verdict(tail, peak_rss_bytes=3 << 30, **changes)
    assert ended == Ending(
        Phase.FAILED,
        "The trainer was killed from outside (signal 9) at step 1,571, probably out of memory; "
        "its largest process held 3.0 GiB.",
        resumable=True,
    )


def test_a_kill_that_the_kernel_counted_was_for_memory() -> None:
    ended = verdict(returncode=-9, signal=9, kernel_oom_kills=1)
    assert ended.message == (
        "The kernel killed the trainer (signal 9) at step 1,571, the machine's memory was full."
    )


def test_other_signals_are_named() -> None:
    ended = verdict(returncode=-11, signal=11)
    assert ended.message == "The trainer was ended by SIGSEGV at step 1,571, not by us."
    assert ended.resumable


def test_a_wrong_command_is_not_tried_again_and_a_crash_is() -> None:
    assert not verdict(returncode=2).resumable
    crashed = verdict(returncode=1)
    assert crashed == Ending(Phase.FAILED, "ValueError: no such optimizer", resumable=True)


def test_the_tail_of_a_log_is_of_this_attempt_and_without_colours(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"attempt 1: exitcode: -9\n\x1b[31mred\x1b[0m words\n")
    assert tail_of(log, len(b"attempt 1: exitcode: -9\n")) == "red words\n"
    assert tail_of(tmp_path / "none", 0) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (3600, "1 h"), (5400, "1 h 30 min"), (90061, "1 d 1 h")],
)
def test_durations_are_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
