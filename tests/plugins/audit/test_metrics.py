"""What Prometheus is told of the audit log, in the names that dashboards ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from st_audit import sinks

from tests.plugins.audit import logs

AUDIT = "simpletuner_audit"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with the log and metrics."""
    return make_app(plugins=["audit", "metrics", "zoo"])


def scrape(client: Any) -> dict[str, Any]:
    """Return {family: {labels' values: value}} of the log; every one is a gauge."""
    text = client.get("/api/metrics/prometheus").text
    families = [each for each in text_string_to_metric_families(text) if AUDIT in each.name]
    assert {each.type for each in families} == {"gauge"}
    return {
        each.name: {tuple(one.labels.items()): one.value for one in each.samples}
        for each in families
    }


def test_entries_are_told_in_all_by_day_and_by_kind(
    app: Flask, as_user: Callable[..., Any], clock: Any
) -> None:
    client = as_user("lead")
    logs.write(app, 5)
    clock.advance(hours=30)
    logs.write(app, 2)
    told, everything = scrape(client), len(logs.rows(app))
    assert told[f"{AUDIT}_log_entries_total"] == {(): everything}
    assert told[f"{AUDIT}_log_entries_24h"] == {(): 2}
    by_type = told[f"{AUDIT}_log_entries_by_type"]
    assert by_type[(("event_type", "queue.paused"),)] == 7
    assert sum(by_type.values()) == everything


def test_a_receiver_that_lags_behind_is_told(app: Flask, as_user: Callable[..., Any]) -> None:
    client = as_user("lead")
    assert scrape(client)[f"{AUDIT}_stream_behind"] == {(("receiver", "none"),): 0}
    with app.app_context():
        sinks.change({"webhook_url": "https://siem.example.org/in"})
    logs.write(app, 3)
    assert scrape(client)[f"{AUDIT}_stream_behind"] == {(("receiver", "webhook"),): 4}
