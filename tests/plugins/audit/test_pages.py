"""The page Audit Log reads without scripts: filters, entries, what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.plugins.audit import logs


@pytest.fixture
def lead(app: Flask, as_user: Callable[..., Any]) -> Any:
    """Somebody who may read the log, in a log of two pages."""
    client = as_user("lead")
    logs.write(app, 40)
    return client


def shown(client: Any, query: str = "") -> str:
    answer = client.get(f"/audit?{query}", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return str(answer.text)


def test_the_newest_entries_stand_first_and_older_ones_a_page_on(app: Flask, lead: Any) -> None:
    last = logs.rows(app)[-1]["number"]
    text = shown(lead)
    assert f"entry={last}" in text
    assert f"before={last - 24}" in text
    assert f"entry={last - 25}" in shown(lead, f"before={last - 24}")


def test_an_entry_shows_what_changed(app: Flask, lead: Any) -> None:
    text = shown(lead, f"entry={logs.rows(app)[-1]['number']}")
    assert "für eine Pause, 39" in text
    assert "<strong>true</strong>" in text
    assert logs.rows(app)[-1]["entry_hash"] in text


def test_filters_that_find_nothing_or_make_no_sense_say_so(lead: Any) -> None:
    assert "No entry matches" in shown(lead, "q=nobody-of-this-name")
    assert "is no kind of event" in shown(lead, "event_type=no.such")
    assert "Invalid isoformat" in shown(lead, "since=yesterday")


def test_the_page_and_its_link_are_for_those_who_may(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    assert as_user("researcher").get("/audit").status_code == 403
    assert "Audit Log" in shown(as_user("lead"))
