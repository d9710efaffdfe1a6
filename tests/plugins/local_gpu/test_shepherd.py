"""The shepherd: whatever a trainer does with signals, sessions and forks, nobody of it is left."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from st_local_gpu import launching
from st_local_gpu.runs import Run
from st_local_gpu.shepherd import kin, records

from st_core.contracts import StopStep
from tests.plugins.local_gpu.bench import Bench, alive, ended, stop, until

SAVE = StopStep(write=("save", "{n}"))
SAVED = StopStep(wait_for="checkpoints/*", seconds=20.0)


def test_a_trainer_runs_to_its_end_and_its_exit_code_is_kept(bench: Bench) -> None:
    run = bench.start(bench.order("counts", 3, 0.01, 7))
    record = ended(run)
    assert (record["returncode"], record["signal"], record["requested"]) == (7, None, "none")
    assert (run.workspace / "log").read_text() == "step 1\nstep 2\nstep 3\n"
    assert record["ended_at"] >= record["started_at"]
    assert record["peak_rss_bytes"] > 1_000_000


def test_a_trainer_that_ignores_sigterm_with_a_grandchild_in_a_new_session_is_ended(
    bench: Bench,
) -> None:
    run = bench.running(bench.order("stubborn"))
    until(lambda: list(run.workspace.glob("grandchild-*")))
    until(lambda: len(alive(run)) == 2)
    record = stop(run)
    assert (record["returncode"], record["signal"]) == (-signal.SIGKILL, signal.SIGKILL)
    assert (record["requested"], record["escalated"]) == ("cancel", True)
    assert (record["survivors"], alive(run)) == ([], set())


def test_a_daemon_left_behind_is_removed_and_the_exit_code_stays(bench: Bench) -> None:
    run = bench.start(bench.order("daemonises"))
    record = ended(run)
    assert (record["returncode"], record["requested"]) == (0, "leftovers")
    assert (record["survivors"], alive(run)) == ([], set())


def test_workers_in_sessions_of_their_own_are_all_ended(bench: Bench) -> None:
    run = bench.running(bench.order("elastic", 3))
    until(lambda: len(list(run.workspace.glob("worker-*"))) == 3)
    assert len(alive(run)) == 4
    record = stop(run)
    assert record["escalated"]
    assert (record["survivors"], alive(run)) == ([], set())


def test_a_child_without_any_mark_is_found_by_descent(bench: Bench) -> None:
    run = bench.running(bench.order("forgets"))
    until((run.workspace / "child").exists)
    record = stop(run)
    assert record["survivors"] == []
    assert _python_children_of(run.workspace) == []


def _python_children_of(workspace: Path) -> list[int]:
    """Return the processes whose working directory is the workspace."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd") == str(workspace):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_cancel_lets_the_trainer_save_first(bench: Bench) -> None:
    run = bench.running(bench.order("saves", soft_stop=(SAVE, SAVED), grace_seconds=20))
    until((run.workspace / "ready").exists)
    record = stop(run)
    assert (record["requested"], record["returncode"], record["escalated"]) == (
        "cancel",
        143,
        False,
    )
    assert [path.name for path in (run.workspace / "checkpoints").iterdir()] == ["step-1"]
    assert (run.workspace / "log").read_text() == "saved 1\ngoodbye\n"


def test_a_trainer_that_never_answers_is_ended_after_the_wait(bench: Bench) -> None:
    steps = (StopStep(write=("unread", "{n}")), StopStep(wait_for="nothing/*", seconds=0.2))
    run = bench.running(bench.order("stubborn", soft_stop=steps))
    assert stop(run)["escalated"]


def test_a_checkpoint_can_be_asked_for_again_and_again(bench: Bench) -> None:
    run = bench.running(bench.order("saves", checkpoint=(SAVE, SAVED)))
    until((run.workspace / "ready").exists)
    for number in (1, 2):
        run.request(records.CHECKPOINT)
        until((run.workspace / f"checkpoints/step-{number}").exists)
    assert len(alive(run)) == 1
    assert stop(run)["returncode"] == 143


def test_a_stop_signal_of_the_launch_reaches_the_main_process(bench: Bench) -> None:
    steps = (StopStep(signal="SIGTERM", seconds=20.0), StopStep(seconds=20.0))
    run = bench.running(bench.order("saves", soft_stop=steps))
    until((run.workspace / "ready").exists)
    assert stop(run)["returncode"] == 143


def test_the_time_limit_holds_without_a_server(bench: Bench) -> None:
    run = bench.running(bench.order("stubborn", time_limit_seconds=1))
    record = ended(run)
    assert (record["requested"], record["escalated"]) == ("time_limit", True)
    assert alive(run) == set()


def test_sigterm_to_the_shepherd_is_no_cancel(bench: Bench) -> None:
    run = bench.running(bench.order("saves", soft_stop=(SAVE, SAVED), grace_seconds=20))
    until((run.workspace / "ready").exists)
    os.kill(run.processes()["shepherd"][0], signal.SIGTERM)
    record = ended(run)
    assert (record["requested"], record["returncode"]) == ("terminated", 143)
    assert (run.workspace / "checkpoints/step-1").exists()


def test_a_stop_before_the_trainer_started_starts_nothing(bench: Bench) -> None:
    order = bench.order("counts", 1, 0)
    (order.workspace / "run/1").mkdir(parents=True)
    (order.workspace / "run/1/stop").touch()
    record = ended(bench.start(order))
    assert (record["requested"], record["returncode"]) == ("cancel", None)
    assert (order.workspace / "log").read_text() == ""


def test_a_program_that_is_not_there_is_said_so(bench: Bench) -> None:
    record = ended(bench.start(bench.order("counts", argv=("/no/such/program",))))
    assert record["returncode"] is None
    assert "/no/such/program could not be started" in record["error"]


def test_an_attempt_begins_on_a_line_of_its_own(bench: Bench) -> None:
    order = bench.order("counts", 1, 0)
    (order.workspace / "log").write_text("half a line of attempt 0")
    run = bench.start(order)
    ended(run)
    assert (order.workspace / "log").read_text() == "half a line of attempt 0\nstep 1\n"
    assert run.processes()["log_offset"] == len("half a line of attempt 0\n")


def test_secrets_reach_the_trainer_and_no_file_and_no_command_line(bench: Bench) -> None:
    run = bench.running(bench.order("knows", "TOKEN_X"), TOKEN_X="sesame-7")
    until((run.workspace / "length").exists)
    assert (run.workspace / "length").read_text() == "8"
    told = [
        path
        for path in run.workspace.rglob("*")
        if path.is_file() and b"sesame" in path.read_bytes()
    ]
    assert told == []
    for pid in run.processes()["shepherd"][0], run.processes()["trainer"][0]:
        assert b"sesame" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"sesame" not in Path(f"/proc/{run.processes()['shepherd'][0]}/environ").read_bytes()
    assert "TOKEN_X" in run.launch()["environment"]
    stop(run)


def test_what_lies_in_the_run_folder_is_for_its_owner_only(bench: Bench) -> None:
    run = bench.start(bench.order("counts", 1, 0))
    ended(run)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in run.folder.iterdir()}
    assert set(modes.values()) == {"0o600"}, json.dumps(modes)


def test_the_exit_record_is_kept_on_a_full_disk(bench: Bench) -> None:
    """Space is put aside at the start: the last record is written over it, not beside it."""
    run = bench.running(bench.order("counts", 1000, 0.05))
    reserve = run.folder / records.RESERVE
    before = reserve.stat()
    stop(run)
    after = (run.folder / records.EXIT).stat()
    assert (after.st_ino, after.st_blocks) == (before.st_ino, before.st_blocks)


def test_a_trainer_stands_back_and_goes_first_when_memory_ends(bench: Bench) -> None:
    order = bench.order("knows", "X")
    environment = {"PATH": "/usr/bin:/bin", kin.MARK: order.key}
    run = Run.from_state(launching.start(order, environment, ("/usr/bin/env", "X={job_id}"), 7))
    until((run.workspace / "length").exists)
    pid = run.processes()["trainer"][0]
    assert (run.workspace / "length").read_text() == "1"  # the prefix was run, with the job's id
    assert os.getpriority(os.PRIO_PROCESS, pid) == 7
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "500\n"
    assert os.getsid(pid) == pid
    stop(run)
