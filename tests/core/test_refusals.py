"""A signed-in person who is refused leaves an event; a loop of refusals leaves one a minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from st_core.db import db, unit_of_work
from st_core.models import Event
from st_core.services import submission, users


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo"])


def told(app: Flask, *names: str) -> list[Event]:
    with app.app_context():
        query = select(Event).where(Event.name.in_(names)).order_by(Event.id)
        return list(db.session.scalars(query))


def test_a_missing_permission_is_told_with_person_route_and_permission(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    eve = as_user("viewer", "eve")
    assert eve.post("/api/queue/pause").status_code == 403
    (event,) = told(app, "security.permission_denied")
    assert (event.actor_name, event.subject_id) == ("eve", "/api/queue/pause")
    assert event.data["permissions"] == ["queue.manage"]
    assert (event.data["method"], event.severity) == ("POST", "warning")
    assert event.owner_id == event.actor_id


def test_a_loop_is_told_once_a_minute_with_its_count(
    app: Flask, as_user: Callable[..., Any], clock: Any
) -> None:
    eve, bob = as_user("viewer", "eve"), as_user("viewer", "bob")
    for _ in range(20):
        assert eve.post("/api/queue/pause").status_code == 403
    bob.post("/api/queue/pause")
    eve.post("/api/queue/resume")
    assert len(told(app, "security.permission_denied")) == 3
    clock.advance(seconds=61)
    eve.post("/api/queue/pause")
    assert told(app, "security.permission_denied")[-1].data["untold_before"] == 19


def test_a_refused_submission_is_one_event_and_not_two(
    app: Flask, as_user: Callable[..., Any], make_app: Callable[..., Flask]
) -> None:
    person = as_user("researcher")
    asked = {"config": {"steps": 1}, "trainer": "fake_trainer", "provider": "instant"}
    answer = person.post("/api/cloud/jobs/submit", json={**asked, "priority": 50})
    assert answer.status_code == 403
    assert len(told(app, "job.refused", "security.permission_denied")) == 1


def test_what_is_not_there_for_somebody_is_no_refusal(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    eve = as_user("viewer", "eve")
    with app.app_context():
        owner = users.viewer_of(users.local_owner(), "local")
        draft = submission.Draft(provider="never", trainer="fake_trainer", config={"steps": 1})
        job_id = submission.submit(owner, draft).job.id
    assert eve.get(f"/api/cloud/jobs/{job_id}").status_code == 404
    assert told(app, "security.permission_denied") == []


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    eve = as_user("viewer", "eve")
    with app.app_context(), unit_of_work() as session:
        session.execute(text("ALTER TABLE event RENAME TO event_away"))
    assert eve.post("/api/queue/pause").status_code == 403
