"""A real job for the pages to show: the sample config, trained to its end by a real server."""

from __future__ import annotations

import time
from typing import Any

import httpx

PATIENCE_SECONDS = 180
#: Short enough for a test, long enough for curves, samples and several checkpoints.
QUICK = {
    "steps": 120,
    "batch_size": 32,
    "checkpoint_every": 40,
    "sample_every": 40,
    "report_every": 2,
    "log_every": 10,
    "final_samples": 20,
    "width": 64,
    "blocks": 1,
}


def run_sample(client: httpx.Client, **config: Any) -> str:
    """Submit the digits with `config` over a quick one, and return the job's number when it has
    ended.

    Raises AssertionError when it does not complete within three minutes.
    """
    body = {"config": {**QUICK, **config}, "config_name": "digits", "trainer": "tiny_trainer"}
    answer = client.post("/api/cloud/jobs/submit", json=body)
    assert answer.status_code == 201, answer.text
    job_id = str(answer.json()["job_id"])
    ended = wait_until_ended(client, job_id)
    assert ended["status"] == "completed", ended
    return job_id


def wait_until_ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """Return the job once it has ended. Raises AssertionError when it takes too long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        job: dict[str, Any] = client.get(f"/api/cloud/jobs/{job_id}").json()
        if job["is_terminal"]:
            return job
        time.sleep(0.2)
    raise AssertionError(f"job {job_id} has not ended within {PATIENCE_SECONDS} s")
