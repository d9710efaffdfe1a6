"""`simpletuner jobs …` against a real server with a real trainer."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from st_core.testing.server import ServerProcess

from .conftest import SHORT, Ended

pytestmark = pytest.mark.slow
Run = Callable[..., Ended]
LONG = ("--set", "steps=1000000")


@pytest.fixture
def long_job(run: Run, running: ServerProcess) -> str:
    """A job that trains far longer than any test, running."""
    submitted = run("jobs", "submit", "digits", *LONG, "-o", "job_id")
    assert submitted.code == 0, submitted.err
    job_id = submitted.out.strip()
    until = time.monotonic() + 60
    while run("jobs", "get", job_id, "-o", "status").out.strip() != "running":
        assert time.monotonic() < until, running.output()
        time.sleep(0.1)
    return job_id


def ended_job(run: Run) -> str:
    """Submit a short job, follow it to its end, and return its number."""
    ended = run("jobs", "submit", "digits", *SHORT, "--follow", "-o", "job_id")
    assert ended.code == 0, ended.err
    return ended.out.strip()


def test_a_followed_job_ends_with_one_json_object_and_code_0(run: Run) -> None:
    ended = run("jobs", "submit", "digits", *SHORT, "--follow", "--format", "json")
    assert ended.code == 0, ended.err
    assert ended.json["status"] == "completed"
    assert ended.json["job_id"].isdecimal()
    assert f"job {ended.json['job_id']} completed" in ended.err


def test_a_dry_run_asks_every_gate_and_admits_nothing(run: Run) -> None:
    before = run("jobs", "list", "--format", "json").json["total"]
    ended = run("jobs", "submit", "digits", "--dry-run", "--format", "json")
    assert ended.code == 0, ended.err
    assert ended.json["status"] == "would_queue"
    assert len(ended.json["gates"]) >= 5
    assert run("jobs", "list", "--format", "json").json["total"] == before


def test_a_dry_run_of_a_wrong_config_fails_and_names_the_field(run: Run) -> None:
    ended = run("jobs", "submit", "digits", "--set", "steps=-1", "-n")
    assert ended.code == 1
    assert "steps" in ended.err


def test_a_refused_submission_is_one_line_with_the_field(run: Run) -> None:
    ended = run("jobs", "submit", "digits", "--set", "steps=-1")
    assert ended.code == 1
    assert ended.out == ""
    assert "steps" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_an_idempotency_key_gives_the_same_job_again(run: Run) -> None:
    words = ("jobs", "submit", "digits", *SHORT, "--idempotency-key", "once", "-o", "job_id")
    assert run(*words).out == run(*words).out


def test_fields_print_alone_so_that_a_script_can_read_them(run: Run) -> None:
    job_id = ended_job(run)
    assert run("jobs", "get", job_id, "-o", "job_id,status,progress.step").out == (
        f"{job_id}\tcompleted\t20\n"
    )
    chosen = run("jobs", "get", job_id, "-o", "progress.step", "--format", "json")
    assert chosen.json == {"progress.step": 20}


def test_the_list_is_tab_separated_when_piped_and_whole_as_json(run: Run) -> None:
    job_id = ended_job(run)
    rows = run("jobs", "list", "-o", "job_id,status", "--status", "completed").out.splitlines()
    assert f"{job_id}\tcompleted" in rows
    assert job_id in [job["job_id"] for job in run("jobs", "list", "-f", "json").json["jobs"]]


def test_the_log_is_printed_as_it_was_written(run: Run) -> None:
    job_id = ended_job(run)
    whole = run("jobs", "logs", job_id)
    assert whole.code == 0
    assert whole.out == run("jobs", "logs", job_id, "--follow").out
    assert whole.out == run("jobs", "logs", job_id, "--format", "json").json["logs"]
    assert whole.out.strip()


def test_a_cancelled_job_ends_its_follower_with_code_7_and_can_be_retried(
    run: Run, long_job: str
) -> None:
    assert run("jobs", "cancel", long_job).code == 0
    ended = run("jobs", "get", long_job, "--follow", "-o", "status")
    assert ended.code == 7
    assert ended.out == "cancelled\n"
    again = run("jobs", "retry", long_job, "-o", "status")
    assert again.code == 0, again.err
    assert again.out.strip() in {"queued", "starting", "running"}
    assert run("jobs", "cancel", "--all", "--force").code == 0
    assert run("jobs", "get", long_job, "--follow").code == 7


def test_what_has_ended_cannot_be_cancelled_again(run: Run) -> None:
    ended = run("jobs", "cancel", ended_job(run))
    assert ended.code == 8
    assert "completed" in ended.err


def test_a_deleted_job_is_not_found_any_more(run: Run) -> None:
    job_id = ended_job(run)
    assert run("jobs", "delete", job_id, "--force").code == 0
    ended = run("jobs", "get", job_id)
    assert ended.code == 3
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1


def test_purging_deletes_ended_jobs_of_one_kind(run: Run) -> None:
    ended_job(run)
    assert run("jobs", "purge", "--force").code == 2
    assert run("jobs", "purge", "--status", "completed", "--force").code == 0
    assert run("jobs", "list", "-s", "completed", "-f", "json").json["jobs"] == []


def test_the_older_family_of_commands_is_the_same(run: Run) -> None:
    ended = run("cloud", "jobs", "list", "-f", "json")
    assert ended.json.keys() == run("jobs", "list", "-f", "json").json.keys()


def test_a_file_can_be_submitted_without_storing_it(run: Run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.json"
    small = {"steps": 20, "width": 32, "blocks": 1, "batch_size": 16, "final_samples": 10}
    path.write_text(json.dumps(small))
    words = ("--trainer", "tiny_trainer", "--follow", "-f", "json")
    ended = run("jobs", "submit", str(path), *words)
    assert ended.code == 0, ended.err
    assert run("jobs", "get", ended.json["job_id"], "-o", "config_name").out == "mine\n"


def test_a_follower_waits_through_a_restart_of_the_server(
    server: Callable[..., ServerProcess], spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    started = server().start()
    body = {"config_name_to_load": "digits", "idempotency_key": "one"}
    with started.client(timeout=60) as client:
        job_id = client.post("/api/cloud/jobs/submit", json=body).json()["job_id"]
    follower = spawn("jobs", "get", job_id, "--follow", SIMPLETUNER_PORT=str(started.port))
    assert follower.stderr is not None
    assert job_id in follower.stderr.readline()
    started.kill()
    while "does not answer" not in follower.stderr.readline():
        assert follower.poll() is None
    started.start()
    with started.client(timeout=60) as client:
        client.post(f"/api/cloud/jobs/{job_id}/cancel")
    follower.communicate(timeout=60)
    assert follower.returncode == 7


def test_ctrl_c_while_following_leaves_the_job_running_and_says_so(
    run: Run,
    long_job: str,
    running: ServerProcess,
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    follower = spawn("jobs", "get", long_job, "--follow", SIMPLETUNER_PORT=str(running.port))
    assert follower.stderr is not None
    assert long_job in follower.stderr.readline()
    follower.send_signal(signal.SIGINT)
    _, told = follower.communicate(timeout=60)
    assert follower.returncode == 130
    assert f"job {long_job} goes on" in told
    assert run("jobs", "get", long_job, "-o", "status").out == "running\n"
    assert run("jobs", "cancel", long_job).code == 0
    assert run("jobs", "get", long_job, "--follow").code == 7
