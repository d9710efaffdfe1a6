"""Runs outlive the server, and a run whose supervisor is gone is told from one that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from st_local_gpu import processes
from st_local_gpu.processes import Stage
from st_local_gpu.runs import Run
from st_local_gpu.shepherd import kin, records

from tests.plugins.local_gpu.bench import TRAINEES, Bench, alive, ended, stop, until

SERVER = """
import json, pathlib, sys, time
from st_core.contracts import Launch, Order
from st_local_gpu import launching

key, workspace, *argv = sys.argv[1:]
order = Order(
    key=key, job_id=1, job_key="j", attempt=1, workspace=pathlib.Path(workspace), trainer="none",
    config={}, launch=Launch(argv=tuple(argv), grace_seconds=0.3),
)
environment = {"PATH": "/usr/bin:/bin", "ST_JOB_KEY": key}
print(json.dumps(launching.start(order, environment, (), 0)), flush=True)
time.sleep(600)
"""

ASKER = """
import pathlib, sys
from st_local_gpu.runs import Run

Run(pathlib.Path(sys.argv[1]), sys.argv[2]).request("stop")
"""


def test_a_training_goes_on_when_the_server_is_killed_and_is_adopted(bench: Bench) -> None:
    order = bench.order("counts", 40, 0.02)
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, order.key, str(order.workspace), *order.launch.argv],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    server.stdout.readline()
    run = Run(order.workspace, order.key)
    until(
        lambda: (
            (order.workspace / "log").exists() and "step 3" in (order.workspace / "log").read_text()
        )
    )
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    server.stdout.close()

    assert processes.standing(run).stage is Stage.RUNNING
    assert ended(run)["returncode"] == 0
    lines = (order.workspace / "log").read_text().splitlines()
    assert lines == [f"step {n}" for n in range(1, 41)]


def test_a_server_that_is_not_the_parent_can_end_a_run(bench: Bench) -> None:
    run = bench.running(bench.order("stubborn"))
    subprocess.run([sys.executable, "-c", ASKER, str(run.workspace), run.key], check=True)
    assert ended(run)["requested"] == "cancel"


def test_a_killed_shepherd_is_lost_and_what_it_watched_is_ended(bench: Bench) -> None:
    run = bench.running(bench.order("elastic", 2))
    until(lambda: len(list(run.workspace.glob("worker-*"))) == 2)
    os.kill(run.processes()["shepherd"][0], signal.SIGKILL)
    record = ended(run)
    assert record["lost"].startswith("Its shepherd process was killed")
    assert (record["survivors"], alive(run)) == ([], set())


def test_an_unmarked_child_of_a_trainer_whose_shepherd_was_killed_is_ended_too(
    bench: Bench,
) -> None:
    run = bench.running(bench.order("forgets"))
    until((run.workspace / "child").exists)
    children = kin.below(run.processes()["trainer"][0])
    assert len(children) == 1
    os.kill(run.processes()["shepherd"][0], signal.SIGKILL)
    ended(run)
    assert not any(kin.is_alive(child) for child in children)


def test_after_a_restart_of_the_machine_a_run_is_lost_and_nobody_is_killed(bench: Bench) -> None:
    """A new boot has other processes under the old numbers; they must not be touched."""
    run = bench.running(bench.order("stubborn"))
    bystander = subprocess.Popen(
        [sys.executable, str(TRAINEES / "knows.py"), "X"], cwd=run.workspace
    )
    try:
        os.kill(run.processes()["shepherd"][0], signal.SIGKILL)
        until(lambda: not run.is_held())
        known = run.processes()
        records.write(
            run.folder / records.PROCESSES,
            {**known, "boot_id": "another", "trainer": kin.process(bystander.pid)},
        )
        record = ended(run)
        assert record["lost"] == "The machine restarted."
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    processes.clear(run.key, known["trainer"])


def test_a_pid_that_was_given_out_again_is_not_hit(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, str(TRAINEES / "knows.py"), "X"], cwd=tmp_path)
    try:
        true = until(lambda: kin.process(bystander.pid))
        assert not kin.send(true._replace(start=true.start - 1), signal.SIGKILL)
        assert kin.is_alive(true)
        assert not kin.is_alive(true._replace(start=true.start - 1))
        assert kin.send(true, signal.SIGKILL)
    finally:
        bystander.kill()
        bystander.wait()
    assert not kin.send(true, signal.SIGKILL)


def test_an_end_stays_the_same_end(bench: Bench) -> None:
    run = bench.running(bench.order("counts", 1000, 0.05))
    os.kill(run.processes()["shepherd"][0], signal.SIGKILL)
    first = ended(run)
    assert [processes.standing(run).record for _ in range(3)] == [first] * 3


def test_members_of_a_run_are_its_processes_without_the_shepherd(bench: Bench) -> None:
    run = bench.running(bench.order("elastic", 2))
    until(lambda: len(list(run.workspace.glob("worker-*"))) == 2)
    assert processes.members(run) == alive(run)
    stop(run)
    assert processes.members(run) == set()
