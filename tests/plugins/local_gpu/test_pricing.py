"""What a job here costs and how long it takes: a rate, and earlier runs of its config."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from st_local_gpu import pricing

from st_core.contracts import Estimate, Submission, Viewer
from st_core.db import db
from st_core.models import Job


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """A server whose slots cost $3.60 an hour: a tenth of a cent a second."""
    return make_app(plugins=["local_gpu", "zoo"], local_gpu__cost_per_hour_usd="3.60")


def submission(viewer: Viewer, **changes: Any) -> Submission:
    plain = Submission(viewer, "local_gpu", "fake_trainer", {}, "sprint")
    return replace(plain, **changes)


def test_without_a_rate_a_job_costs_nothing(
    make_app: Callable[..., Flask], viewer: Callable[..., Viewer]
) -> None:
    me = viewer("researcher")
    with make_app(plugins=["local_gpu", "zoo"]).app_context():
        told = pricing.estimate(submission(me))
        assert told == Estimate(Decimal(0), "this machine, no hourly rate set")
        assert pricing.spent_usd({"started_at": 1.0, "ended_at": 9.0}, ["cpu-0"]) is None


def test_a_config_that_never_completed_has_an_unknown_price(
    app: Flask, viewer: Callable[..., Viewer]
) -> None:
    me = viewer("researcher")
    with app.app_context():
        told = pricing.estimate(submission(me))
    assert told.usd is None
    assert told.basis.startswith("$3.60 an hour for each of 1; this config has not completed")


def test_earlier_runs_tell_price_and_length(
    app: Flask, viewer: Callable[..., Viewer], run_job: Callable[..., str]
) -> None:
    me = viewer("researcher")
    job_id = run_job(provider="local_gpu", config={"steps": 2}, config_name="sprint")
    with app.app_context():
        job = db.session.get_one(Job, int(job_id))
        assert job.started_at is not None
        assert job.completed_at is not None
        seconds = (job.completed_at - job.started_at).total_seconds()
        told = pricing.estimate(submission(me, gpu_count=4, hardware="h100"))
        spent = job.cost_usd
    assert told.seconds == seconds
    assert told.usd == (Decimal("0.004") * Decimal(str(seconds))).quantize(Decimal("0.01"))
    assert told.basis == "$3.60 an hour for each of 4, mean of 1 completed runs"
    assert spent is not None
    assert Decimal(0) < spent < Decimal("0.1")


def test_every_slot_of_a_job_costs(app: Flask) -> None:
    with app.app_context():
        record = {"started_at": 100.0, "ended_at": 1100.0}
        assert pricing.spent_usd(record, ["GPU-0", "GPU-1"]) == "2.00"
        assert pricing.spent_usd({"started_at": None, "ended_at": 5.0}, []) is None
