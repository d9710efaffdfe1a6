"""What Prometheus is told, and that it is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from st_core.db import db
from st_core.models import Event
from st_core.plugins import current_plugins
from st_core.services import jobs, submission, users

PATH = "/api/cloud/metrics/prometheus"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with metrics and the zoo's providers."""
    return make_app(plugins=["metrics", "zoo"])


def scrape(client: Any) -> dict[tuple[str, str], float]:
    """Return {(sample, its first label's value): value} as a scraper reads it."""
    answer = client.get(PATH)
    assert answer.status_code == 200
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_three_metrics_of_the_guide_are_there_on_a_fresh_server(client: Any) -> None:
    told = scrape(client)
    assert told["simpletuner_jobs_active", ""] == 0
    assert told["simpletuner_cost_total_usd", ""] == 0
    assert told["simpletuner_uptime_seconds", ""] > 0


def test_active_counts_what_has_not_ended_and_does_not_wait_for_a_person(
    app: Flask, client: Any
) -> None:
    with app.app_context():
        owner = users.viewer_of(users.local_owner(), "local")
        asked = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}}
        submission.submit(owner, submission.Draft(**asked))
        submission.submit(owner, submission.Draft(**asked, for_approval=True))
    told = scrape(client)
    assert told["simpletuner_jobs_active", ""] == 1
    assert told["simpletuner_jobs_by_status", "queued"] == 1
    assert told["simpletuner_jobs_by_status", "pending_approval"] == 1


def test_ended_jobs_stay_counted_when_their_records_are_deleted(
    app: Flask, client: Any, run_job: Callable[..., str], deliver_all: Callable[[], None]
) -> None:
    job_id = run_job()
    deliver_all()
    with app.app_context():
        jobs.delete(users.viewer_of(users.local_owner(), "local"), job_id)
    told = scrape(client)
    assert told["simpletuner_jobs_by_status", "completed"] == 0
    assert told["simpletuner_jobs_ended_total", "completed"] == 1


def test_an_event_that_is_delivered_twice_is_counted_once(
    app: Flask, client: Any, run_job: Callable[..., str], deliver_all: Callable[[], None]
) -> None:
    run_job()
    deliver_all()
    before = scrape(client)
    with app.app_context():
        for event in db.session.query(Event).all():
            current_plugins().call("metrics", "st_on_event", event=event)
    after = scrape(client)
    counters = [key for key in before if key[0].endswith("_total")]
    assert counters
    assert {key: after[key] for key in counters} == {key: before[key] for key in counters}


def test_switched_off_it_says_so_and_tells_nothing(make_app: Callable[..., Flask]) -> None:
    client = make_app(plugins=["metrics"], metrics__enabled=False).test_client()
    assert client.get(PATH).text == "# metrics.enabled is off\n"


def test_older_names_come_only_when_asked_for(make_app: Callable[..., Flask]) -> None:
    plain = make_app(plugins=["metrics"]).test_client()
    assert ("simpletuner_cost_usd_total", "") not in scrape(plain)
    asked = make_app(plugins=["metrics"], metrics__compat_names=True).test_client()
    assert scrape(asked)["simpletuner_cost_usd_total", ""] == 0
