"""What operators and viewers see: health, metrics, events, pages, the API, `flask st devices`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from st_local_gpu import disk, inventory, processes, reporting, slots, usage, watching
from st_local_gpu.runs import Run
from st_local_gpu.shepherd import records

from st_core.contracts import Action, HealthResult
from st_core.db import db
from st_core.models import Event, Job
from st_core.services import workspaces
from st_core.testing.work import finish_job, run_once, submit_job
from tests.plugins.local_gpu.bench import until
from tests.plugins.local_gpu.nvml import Inventory, card

LONG = {"steps": 100_000, "step_seconds": 0.05}
DEVICES = "/api/local-gpu/devices"


@pytest.fixture
def app(make_app: Callable[..., Flask], gpus: Inventory, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A server with one A100 that is at work, and one CPU slot."""
    monkeypatch.setattr(watching, "_lost", None)
    gpus.show(card(0, used=1024, util=97, throttle="40"))
    return make_app(plugins=["local_gpu", "metrics", "zoo"], local_gpu__cpu_slots=1)


@pytest.fixture
def job(app: Flask) -> Iterator[str]:
    """A job that runs on the GPU; cancelled at the end."""
    job_id = submit_job(app, provider="local_gpu", config=LONG, hardware="a100-80gb")
    run_once(app, ("dispatch",))
    with app.app_context():
        run = run_of(job_id)
        until(lambda: processes.members(run))
    yield job_id
    run.request(records.STOP)
    finish_job(app, job_id)


def run_of(job_id: str) -> Run:
    job = db.session.get_one(Job, int(job_id))
    return Run(workspaces.of(job), job.attempt_key)


def look(app: Flask) -> None:
    run_once(app, ("local_gpu.devices", "local_gpu.usage"))


def health(app: Flask, check: Callable[[], HealthResult]) -> HealthResult:
    with app.app_context():
        return check()


def events(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.query(Event).where(Event.name.startswith("local_gpu."))
        return [(event.name, event.message) for event in rows]


# ── st_health_checks, st_event_types, st_shutdown ─────────────────────────────────────────────────


def test_healthy_when_every_gpu_answers_and_the_disk_has_room(app: Flask) -> None:
    assert health(app, reporting.gpu_health).status == "healthy"
    assert health(app, disk.health).status == "healthy"


def test_a_lost_gpu_degrades_health_and_is_told_once(app: Flask, gpus: Inventory) -> None:
    look(app)
    gpus.show(card(0, state="lost"))
    look(app)
    look(app)
    found = health(app, reporting.gpu_health)
    assert found.status == "degraded"
    assert found.message.startswith("GPU 0 (NVIDIA A100-SXM4-80GB) no longer answers")
    gpus.show(card(0))
    look(app)
    assert events(app) == [
        (
            "local_gpu.device_lost",
            "GPU 0 (NVIDIA A100-SXM4-80GB) does not answer any more",
        ),
        ("local_gpu.device_back", "GPU 0 (NVIDIA A100-SXM4-80GB) answers again"),
    ]


def test_a_broken_driver_is_unhealthy_and_the_system_page_says_it(
    app: Flask, gpus: Inventory
) -> None:
    gpus.show("!init 999")
    inventory.watch.close()
    look(app)
    assert health(app, reporting.gpu_health).status == "unhealthy"
    assert "The NVIDIA driver does not answer" in app.test_client().get("/system").text


def test_st_shutdown_lets_the_library_go(make_app: Callable[..., Flask], gpus: Inventory) -> None:
    from st_core.boot import shut_down

    gpus.show(card(0))
    app = make_app(plugins=["local_gpu", "zoo"])
    look(app)
    shut_down(app)
    assert inventory.watch._latest is None


# ── st_reserve_limits: the disk ───────────────────────────────────────────────────────────────────


def test_a_nearly_full_disk_refuses_jobs_for_this_machine_only(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=["local_gpu", "zoo"], local_gpu__disk_block_bytes=10**18)
    client = app.test_client()
    asked = {"trainer": "fake_trainer", "config": {"steps": 1}}
    refused = client.post("/api/cloud/jobs/submit?provider=local_gpu", json=asked)
    assert refused.status_code == 429
    assert "The state folder's disk has" in refused.json["detail"]
    assert health(app, disk.health).status == "unhealthy"
    assert client.post("/api/cloud/jobs/submit?provider=instant", json=asked).status_code == 201


def test_a_disk_that_gets_full_warns(make_app: Callable[..., Flask]) -> None:
    app = make_app(plugins=["local_gpu", "zoo"], local_gpu__disk_warn_bytes=10**18)
    with app.app_context():
        (verdict,) = disk.verdicts()
    assert (verdict.action, verdict.blocks, verdict.unit) == (Action.WARN, False, "bytes")
    assert "Delete jobs or checkpoints" in verdict.text
    assert health(app, disk.health).status == "degraded"


def test_a_job_that_was_admitted_waits_for_room_on_the_disk(make_app: Callable[..., Flask]) -> None:
    app = make_app(plugins=["local_gpu", "zoo"])
    job_id = submit_job(app, provider="local_gpu", config={"steps": 1})
    app.extensions["st"].settings.fixed["local_gpu.disk_block_bytes"] = ("environment", 10**18)
    run_once(app, ("dispatch",))
    with app.app_context():
        reason = db.session.get_one(Job, int(job_id)).hold_reason
    assert reason is not None
    assert reason.startswith("The state folder's disk has")


# ── st_metrics ────────────────────────────────────────────────────────────────────────────────────


def test_gpus_and_slots_are_families_of_metrics(app: Flask, job: str) -> None:
    look(app)
    text = app.test_client().get("/api/cloud/metrics/prometheus").text
    labels = '{gpu="0",name="NVIDIA A100-SXM4-80GB",uuid="GPU-0"}'
    assert f"simpletuner_gpu_utilization_percent{labels} 97.0" in text
    assert f"simpletuner_gpu_memory_used_bytes{labels} 1.073741824e+09" in text
    assert 'simpletuner_local_slots{kind="a100-80gb"} 1.0' in text
    assert 'simpletuner_local_slots_in_use{kind="a100-80gb"} 1.0' in text
    assert 'simpletuner_local_slots_in_use{kind="cpu"} 0.0' in text


def test_a_figure_that_nobody_tells_has_no_sample(app: Flask, gpus: Inventory) -> None:
    gpus.show("NVIDIA GeForce GTX 1050|GPU-0|4096|-|-|-|-|ok|||-")
    look(app)
    with app.app_context():
        families = {family.name: family for family in reporting.families()}
    assert families["simpletuner_gpu_utilization_percent"].samples == ()


# ── st_page_sections and the API ──────────────────────────────────────────────────────────────────


def test_the_system_page_shows_devices_with_their_jobs(app: Flask, job: str) -> None:
    page = app.test_client().get("/system").text
    assert "NVIDIA A100-SXM4-80GB" in page
    assert "97%" in page
    assert "1.0 GB of 80.0 GB" in page
    assert "slower: too warm (hardware limit)" in page
    assert f'<a href="/jobs/{job}">job {job}</a>' in page
    assert "NVIDIA driver 570.00.fake" in page


def test_the_job_page_shows_what_the_job_uses(app: Flask, job: str) -> None:
    assert "Resource use" not in app.test_client().get(f"/jobs/{job}").text
    for _ in range(3):
        look(app)
    page = app.test_client().get(f"/jobs/{job}").text
    assert "Resource use" in page
    assert "1.0 GB of 80.0 GB, 41 °C, 120 W" in page
    assert "1 process now." in page
    assert "shared memory counted once" in page
    told = app.test_client().get(f"/api/local-gpu/jobs/{job}/usage").json
    assert (told["job_id"], told["attempt"]) == (job, 1)
    assert [sample["gpus"][0]["utilization_percent"] for sample in told["samples"]] == [97.0] * 3


def test_the_jobs_progress_carries_what_it_uses(app: Flask, job: str) -> None:
    look(app)
    with app.app_context():
        told = app.extensions["st"].providers["local_gpu"].poll(run_of(job).state).usage
    assert (told["gpu_percent"], told["gpu_temperature_celsius"]) == (97.0, 41)
    assert told["history"]["gpu_percent"] == [97.0]


def test_the_api_tells_devices_and_hides_jobs_one_may_not_see(
    app: Flask, job: str, as_user: Callable[..., Any]
) -> None:
    mine = app.test_client().get(DEVICES).json
    assert mine["driver"] == "570.00.fake"
    assert mine["gpus"][0]["utilization_percent"] == 97.0
    assert [(slot["device"], slot["in_use"], slot["job_id"]) for slot in mine["slots"]] == [
        ("GPU-0", True, job),
        ("cpu-0", False, None),
    ]
    theirs = as_user("researcher").get(DEVICES).json
    assert (theirs["slots"][0]["in_use"], theirs["slots"][0]["job_id"]) == (True, None)
    assert as_user("researcher").get(f"/api/local-gpu/jobs/{job}/usage").status_code == 404


def test_usage_of_a_job_that_ran_elsewhere_is_empty(
    app: Flask, run_job: Callable[..., str]
) -> None:
    job_id = run_job()
    client = app.test_client()
    assert client.get(f"/api/local-gpu/jobs/{job_id}/usage").json["samples"] == []
    assert "Resource use" not in client.get(f"/jobs/{job_id}").text


def test_usage_stays_readable_when_the_job_has_ended(app: Flask, job: str) -> None:
    look(app)
    with app.app_context():
        run_of(job).request(records.STOP)
    finish_job(app, job)
    page = app.test_client().get(f"/jobs/{job}").text
    assert "the last measurement of the newest attempt" in page
    with app.app_context():
        assert slots.active_keys() == set()


def test_a_workspace_that_is_gone_spoils_no_other_measurement(
    app: Flask, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "FILE", "no/such/folder/usage.jsonl")
    look(app)
    assert health(app, reporting.gpu_health).status == "healthy"


# ── st_commands ───────────────────────────────────────────────────────────────────────────────────


def test_flask_st_devices_prints_what_jobs_can_have(app: Flask, job: str) -> None:
    from st_local_gpu.commands import devices

    said = app.test_cli_runner().invoke(devices)
    assert said.exit_code == 0, said.output
    lines = [line.split() for line in said.output.splitlines()]
    assert lines == [
        ["GPU", "0", "a100-80gb", "GPU-0", "job", job],
        ["CPU", "0", "cpu", "cpu-0", "free"],
    ]
