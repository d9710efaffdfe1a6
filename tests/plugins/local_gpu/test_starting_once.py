"""One key, one run: racing starters, a server that dies at any step, a starter that is late."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from st_local_gpu import launching, processes
from st_local_gpu.processes import Stage
from st_local_gpu.runs import Run
from st_local_gpu.shepherd import records

from st_core.contracts import Order
from st_core.errors import ProviderError
from tests.exam import Exam
from tests.plugins.local_gpu.bench import Bench, ended, stop, until

STARTER = """
import json, pathlib, sys
from st_core.contracts import Launch, Order
from st_local_gpu import launching

told = json.loads(sys.stdin.readline())
order = Order(
    key=told["key"], job_id=1, job_key="j", attempt=1, workspace=pathlib.Path(told["workspace"]),
    trainer="none", config={}, launch=Launch(argv=tuple(told["argv"]), grace_seconds=0.3),
)
print("ready", flush=True)
sys.stdin.readline()  # until the gate opens
launching.start(order, {"PATH": "/usr/bin:/bin", "ST_JOB_KEY": order.key}, (), 0)
print("started", flush=True)
"""


def starter(order: Order, **environment: str) -> subprocess.Popen[str]:
    """Start a process that will start `order`, as a server would, once it is let."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    told = {"key": order.key, "workspace": str(order.workspace), "argv": order.launch.argv}
    assert process.stdin is not None
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.flush()
    return process


def let(*processes: subprocess.Popen[str]) -> list[str]:
    """Let these processes go on at the same moment; return what each said to its end."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    said = []
    for process in processes:
        assert process.stdout is not None
        said.append(process.stdout.read())
        process.stdout.close()
        process.wait()
    return said


def runs_of(order: Order) -> int:
    """Return how often the trainer of `order` was really started."""
    return (order.workspace / "log").read_text().splitlines().count("step 1")


def test_many_processes_with_one_key_start_one_run(bench: Bench, exam: Exam) -> None:
    order = bench.order("counts", 3, 0.05)
    racers = [starter(order) for _ in range(exam.count("processes", 6, 32))]
    assert let(*racers) == ["started\n"] * len(racers)
    run = Run(order.workspace, order.key)
    assert ended(run)["returncode"] == 0
    assert runs_of(order) == 1


def test_many_threads_with_one_key_start_one_run(bench: Bench) -> None:
    order = bench.order("counts", 3, 0.02)
    barrier = threading.Barrier(16)

    def start() -> Run:
        barrier.wait()
        return bench.start(order)

    with ThreadPoolExecutor(16) as pool:
        runs = [future.result() for future in [pool.submit(start) for _ in range(16)]]
    assert {ended(run)["returncode"] for run in runs} == {0}
    assert runs_of(order) == 1


@pytest.mark.parametrize(
    ("failpoint", "is_started"),
    [
        ("local_gpu.before_claim", False),
        ("local_gpu.after_claim", False),
        ("local_gpu.after_spawn", False),
        ("local_gpu.before_return", True),
    ],
)
def test_a_server_killed_while_starting_leaves_no_doubt(
    bench: Bench, failpoint: str, is_started: bool
) -> None:
    order = bench.order("counts", 3, 0.02)
    victim = starter(order, ST_FAILPOINT=failpoint)
    assert let(victim) == [""]
    assert victim.returncode == -signal.SIGKILL

    found = launching.find(order.key, order.workspace)

    assert (found is not None) is is_started
    if found:
        assert ended(Run.from_state(found))["returncode"] == 0
        assert runs_of(order) == 1
    else:
        with pytest.raises(ProviderError, match="given up"):
            bench.start(order)
        assert not (order.workspace / "log").exists()


def test_the_same_key_can_be_started_after_a_crash_that_started_nothing(
    bench: Bench,
) -> None:
    order = bench.order("counts", 2, 0.01)
    let(starter(order, ST_FAILPOINT="local_gpu.after_claim"))
    assert ended(bench.start(order))["returncode"] == 0
    assert runs_of(order) == 1


def test_nobody_finds_what_was_never_started_and_a_late_starter_is_refused(bench: Bench) -> None:
    order = bench.order("counts", 1, 0)
    assert launching.find(order.key, order.workspace) is None
    assert launching.find(order.key, order.workspace) is None
    with pytest.raises(ProviderError, match="needs a new attempt"):
        bench.start(order)
    assert not (order.workspace / "log").exists()


def test_a_run_is_found_while_it_goes_on_and_after_it_ended(bench: Bench) -> None:
    order = bench.order("counts", 1000, 0.05)
    run = bench.start(order)
    assert launching.find(order.key, order.workspace) == run.state
    stop(run)
    assert launching.find(order.key, order.workspace) == run.state
    assert bench.start(order).exit() == run.exit()
    assert runs_of(order) == 1


def test_finding_races_with_starting_and_both_agree(bench: Bench, exam: Exam) -> None:
    for _ in range(exam.count("races", 5, 200)):
        order = bench.order("counts", 1, 0.01)
        barrier = threading.Barrier(2)

        def start(order: Order = order, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                bench.start(order)
            except ProviderError:
                return False
            return True

        with ThreadPoolExecutor(1) as pool:
            started = pool.submit(start)
            barrier.wait()
            found = launching.find(order.key, order.workspace)
            assert (found is not None) is started.result()
        if found:
            ended(Run.from_state(found))
            assert runs_of(order) == 1
        else:
            assert not (order.workspace / "log").exists()


def test_a_shepherd_killed_before_it_starts_the_trainer_was_never_a_start(bench: Bench) -> None:
    """What the server holds as started then ends as lost, and the key is void for ever."""
    order = bench.order("counts", 1, 0)
    run = Run(order.workspace, order.key)
    run.make()
    now = processes.standing(run)
    assert (now.stage, now.record["lost"]) == (
        Stage.ENDED,
        "It was never started: its shepherd ended before it could start the trainer.",
    )
    assert bench.start(order).exit() == now.record
    assert not (order.workspace / "log").exists()


def test_files_of_a_launch_stay_inside_the_workspace(bench: Bench) -> None:
    order = bench.order("counts", 1, 0, files={"../outside.json": "{}"})
    with pytest.raises(ProviderError, match="outside the workspace"):
        bench.start(order)
    assert not (order.workspace.parent / "outside.json").exists()


def test_files_of_a_launch_are_for_their_owner_only(bench: Bench) -> None:
    order = bench.order("counts", 1, 0, files={"sub/config.json": '{"a": 1}'})
    ended(bench.start(order))
    written = order.workspace / "sub/config.json"
    assert (written.read_text(), oct(written.stat().st_mode & 0o777)) == ('{"a": 1}', "0o600")


def test_without_a_workspace_nothing_is_started_or_found(bench: Bench) -> None:
    order = bench.order("counts", 1, 0)
    order.workspace.rmdir()
    assert launching.find(order.key, order.workspace) is None
    with pytest.raises(ProviderError, match="does not exist"):
        bench.start(order)


def test_a_stop_request_is_one_file(bench: Bench) -> None:
    run = bench.running(bench.order("counts", 1000, 0.05))
    run.request(records.STOP)
    run.request(records.STOP)
    assert ended(run)["requested"] == "cancel"
    until(lambda: not run.is_held())
