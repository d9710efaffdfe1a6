"""Slots: st_hold_job says who waits and why, st_job_transition takes and gives back devices.

Jobs run through the real dispatcher; GPUs come from the stand-in for the driver's library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from st_local_gpu import slots
from st_local_gpu.runs import Run
from st_local_gpu.shepherd import kin

from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.models import Attempt, Job
from st_core.testing.work import finish_job, run_once, state_of, submit_job
from tests.plugins.local_gpu.bench import until
from tests.plugins.local_gpu.nvml import Inventory, card

LONG = {"steps": 100_000, "step_seconds": 0.05}
SHORT = {"steps": 2}


@pytest.fixture
def app(make_app: Callable[..., Flask], gpus: Inventory) -> Iterator[Flask]:
    """A server with two A100 and an L40S, where ten jobs may run at the same time."""
    gpus.show(card(0), card(1), card(2, "NVIDIA L40S"))
    made = make_app(
        plugins=["local_gpu", "zoo"],
        local_gpu__cpu_slots=2,
        queue__max_concurrent=10,
        queue__user_max_concurrent=10,
        queue__local_job_max_concurrent=10,
    )
    yield made
    for key in keys(made):
        assert not kin.marked(key), "a test left a training behind"


def submit(app: Flask, hardware: str | None = None, **draft: Any) -> str:
    """Submit a fake training to this machine; long by default."""
    return submit_job(
        app, **{"provider": "local_gpu", "config": LONG, "hardware": hardware, **draft}
    )


def dispatch(app: Flask) -> None:
    run_once(app, ("dispatch",))


def cancel(app: Flask, *job_ids: str) -> None:
    client = app.test_client()
    for job_id in job_ids:
        assert client.post(f"/api/cloud/jobs/{job_id}/cancel").status_code == 200
    for job_id in job_ids:
        finish_job(app, job_id)


def devices_of(app: Flask, job_id: str) -> list[str]:
    with app.app_context():
        return list(db.session.get_one(Job, int(job_id)).devices)


def held(app: Flask, job_id: str) -> str | None:
    with app.app_context():
        return db.session.get_one(Job, int(job_id)).hold_reason


def taken(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {device: str(job_id) for device, job_id in slots.taken().items()}


def keys(app: Flask) -> list[str]:
    with app.app_context():
        return [f"{a.job.key}-{a.number}" for a in db.session.query(Attempt)]


def test_jobs_get_the_devices_they_name_until_none_is_left(app: Flask) -> None:
    first, second, third = (submit(app, "a100-80gb") for _ in range(3))
    other = submit(app, "gpu-l40s")
    dispatch(app)
    assert [state_of(app, job) for job in (first, second, other)] == [JobState.RUNNING] * 3
    assert (devices_of(app, first), devices_of(app, second)) == (["GPU-0"], ["GPU-1"])
    assert state_of(app, third) is JobState.QUEUED
    assert held(app, third) == "No free a100-80gb: 2 of 2 in use."
    assert taken(app) == {"GPU-0": first, "GPU-1": second, "GPU-2": other}

    cancel(app, first)
    dispatch(app)
    assert devices_of(app, third) == ["GPU-0"]
    cancel(app, second, third, other)
    assert taken(app) == {}


def test_a_trainer_without_gpus_gets_a_cpu_slot_also_on_a_machine_with_gpus(app: Flask) -> None:
    job = submit(app, config=SHORT)
    dispatch(app)
    assert devices_of(app, job) == ["cpu-0"]
    finish_job(app, job)
    assert state_of(app, job) is JobState.COMPLETED
    assert taken(app) == {}


def test_nobody_takes_a_gpu_that_the_job_for_several_at_the_head_waits_for(app: Flask) -> None:
    small = submit(app, "a100-80gb")
    dispatch(app)
    big = submit(app, "a100-80gb", gpu_count=2)
    behind = submit(app, "a100-80gb")
    dispatch(app)
    assert devices_of(app, behind) == []
    assert held(app, big) == "No free group of 2 a100-80gb: 1 of 2 in use."
    assert (held(app, behind) or "").startswith(f"Job {big} goes first")
    cancel(app, small)
    dispatch(app)
    assert devices_of(app, big) == ["GPU-0", "GPU-1"]
    cancel(app, big, behind)


def test_the_number_of_local_jobs_is_limited(
    make_app: Callable[..., Flask], gpus: Inventory
) -> None:
    app = make_app(plugins=["local_gpu", "zoo"], local_gpu__cpu_slots=2)
    first, second = submit(app), submit(app)
    dispatch(app)
    assert held(app, second) == "1 of 1 jobs run on this machine."
    cancel(app, first, second)


def test_the_number_of_gpus_in_use_is_limited(
    make_app: Callable[..., Flask], gpus: Inventory
) -> None:
    gpus.show(card(0), card(1))
    app = make_app(
        plugins=["local_gpu", "zoo"],
        queue__local_job_max_concurrent=5,
        queue__local_gpu_max_concurrent=1,
    )
    first, second = submit(app, "a100-80gb"), submit(app, "a100-80gb")
    dispatch(app)
    assert held(app, second) == "1 of 1 GPUs in use (queue.local_gpu_max_concurrent)."
    cancel(app, first, second)


def test_a_busy_gpu_is_not_given_out(app: Flask, gpus: Inventory) -> None:
    gpus.show(card(0, "NVIDIA H200", used=9000, processes="1:9000"))
    run_once(app, ("local_gpu.devices",))
    job = submit(app, "h200")
    dispatch(app)
    assert held(app, job) == (
        "No free h200: 0 of 1 in use, 1 not given out: GPU 0 is busy with a process that is not "
        "ours (pid 1, user root)."
    )
    cancel(app, job)


def test_no_wait_is_refused_when_nothing_is_free_and_any_gpu_takes_another(app: Flask) -> None:
    first = submit(app, "l40s")
    dispatch(app)
    client = app.test_client()
    asked = {
        "provider": "local_gpu",
        "trainer": "fake_trainer",
        "config": LONG,
        "hardware_profile": "l40s",
    }
    refused = client.post("/api/cloud/jobs/submit", json={**asked, "no_wait": True})
    assert refused.status_code == 429
    assert "No free l40s: 1 of 1 in use." in refused.json["detail"]
    other = submit(app, "l40s", any_gpu=True)
    dispatch(app)
    assert devices_of(app, other) == ["GPU-0"]
    cancel(app, first, other)


def test_hardware_that_is_not_here_is_refused_at_its_field(app: Flask) -> None:
    asked = {"provider": "local_gpu", "trainer": "fake_trainer", "config": SHORT}
    client = app.test_client()
    refused = client.post("/api/cloud/jobs/submit", json={**asked, "hardware_profile": "h100"})
    assert refused.status_code == 400
    assert refused.json["errors"] == [
        {
            "path": "hardware",
            "message": "This machine has no h100; it has 2 a100-80gb, 1 l40s, 2 cpu.",
        }
    ]
    refused = client.post(
        "/api/cloud/jobs/submit", json={**asked, "hardware_profile": "cpu", "gpu_count": 1}
    )
    assert refused.json["errors"][0]["path"] == "gpu_count"


def test_a_crash_gives_the_device_back_and_the_next_attempt_takes_it_again(app: Flask) -> None:
    job = submit(app, "a100-80gb", config={"steps": 6, "crash_at": 3, "save_every": 2})
    finish_job(app, job)
    assert state_of(app, job) is JobState.COMPLETED
    with app.app_context():
        attempts = db.session.get_one(Job, int(job)).attempts
        assert [(a.number, a.outcome, a.devices) for a in attempts] == [
            (1, "failed", ["GPU-0"]),
            (2, "completed", ["GPU-0"]),
        ]
        assert attempts[0].signal == 9
        assert "killed from outside" in (attempts[0].message or "")
    assert taken(app) == {}


def test_slots_of_jobs_that_ended_while_the_plugin_was_off_are_given_back(
    make_app: Callable[..., Flask], app: Flask
) -> None:
    """st_startup brings the rows into step."""
    job = submit(app, "l40s")
    dispatch(app)
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    with app.app_context():
        run = Run(_workspace(job), f"{db.session.get_one(Job, int(job)).key}-1")
    run.request("stop")
    until(run.exit)
    without = make_app(plugins=["zoo"], database_url=url)
    with without.app_context(), unit_of_work():
        db.session.execute(db.update(Job).values(state=JobState.CANCELLED))
    assert taken(app) == {"GPU-2": job}
    again = make_app(plugins=["local_gpu", "zoo"], database_url=url)
    assert taken(again) == {}


def _workspace(job_id: str) -> Any:
    from st_core.services import workspaces

    return workspaces.of(db.session.get_one(Job, int(job_id)))


def test_a_job_that_may_skip_the_queue_still_needs_a_free_device(app: Flask) -> None:
    first = submit(app, "l40s")
    dispatch(app)
    second = submit(app, "l40s", bypass_queue=True)
    dispatch(app)
    assert held(app, second) == "No free l40s: 1 of 1 in use."
    cancel(app, first, second)


def test_the_queue_shows_why_a_job_waits(app: Flask) -> None:
    first, second = submit(app, "l40s"), submit(app, "l40s")
    dispatch(app)
    entry = app.test_client().get(f"/api/cloud/jobs/{second}").json["job"]
    assert entry["hold_reason"] == "No free l40s: 1 of 1 in use."
    cancel(app, first, second)


def test_what_a_job_runs_on_by_default_can_run(app: Flask, gpus: Inventory) -> None:
    """A card that is lost, or whose memory nobody knows, is not what a CPU job is put on."""
    gpus.show(card(0, state="lost"), card(1))
    run_once(app, ("local_gpu.devices",))
    job = submit(app, config=SHORT)
    with app.app_context():
        assert db.session.get_one(Job, int(job)).hardware == "cpu"
    finish_job(app, job)
