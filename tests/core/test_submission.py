"""Submitting: one pipeline for dry runs, submissions and retries, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text

from st_core.contracts import JobState
from st_core.db import db
from st_core.errors import (
    Conflict,
    Malformed,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    SubmissionInvalid,
)
from st_core.models import Event, Job, JobGate
from st_core.services import events, queue, retrying, submission, workspaces
from tests.core import zoo_jobs

#: Forbids, refuses and warns as the note in a config tells, and writes down who asked what.
STRICT = """
from st_core import hookimpl
from st_core.contracts import Action, Denial, Verdict

ASKED = []


@hookimpl
def st_check_access(submission):
    ASKED.append("access")
    if submission.config["note"] == "forbidden":
        return [Denial("rule-7", "nobody may train this")]


@hookimpl
def st_reserve_limits(job, submission):
    ASKED.append("room")
    actions = {
        "full": Action.BLOCK, "nearly": Action.WARN, "ask": Action.REQUIRE_APPROVAL
    }
    action = actions.get(submission.config["note"])
    return [Verdict("month", action, 9, 10, "jobs", "9 of 10 jobs this month")] if action else []
"""
GATES = ["Permission", "Well formed", "Price", "Access rules", "Room", "Approval", "Queue"]


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("strict", STRICT)
    return make_app(plugins=["zoo", "strict"])


def noted(note: str) -> dict[str, Any]:
    return {"steps": 1, "note": note}


def asked(app: Flask) -> list[str]:
    """Return which hooks were asked since the last call."""
    seen: list[str] = app.extensions["st"].plugins.modules["strict"].ASKED
    found = list(seen)
    seen.clear()
    return found


def written(app: Flask) -> dict[str, int]:
    """Return how many rows every table has, and the head of the journal."""
    with app.app_context():
        names = inspect(db.engine).get_table_names()
        count = {name: db.session.scalar(text(f'select count(*) from "{name}"')) for name in names}
        return count | {"head of the journal": events.head()}


def dry(app: Flask, viewer: Any, **draft: Any) -> list[Any]:
    with app.app_context():
        return submission.dry_run(viewer, zoo_jobs.draft(**draft))


def newest_event(app: Flask) -> Event:
    with app.app_context():
        return db.session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


# ── dry runs ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("note", ["", "nearly", "ask"])
def test_a_dry_run_asks_the_same_gates_in_the_same_order_as_a_submission(
    app: Flask, viewer: Callable[..., Any], note: str
) -> None:
    one = viewer("researcher")
    foretold = dry(app, one, config=noted(note))
    by_dry_run = asked(app)
    with app.app_context():
        admission = submission.submit(one, zoo_jobs.draft(config=noted(note)))
        kept = list(db.session.scalars(select(JobGate).order_by(JobGate.position)))
    assert asked(app) == by_dry_run == ["access", "room"]
    told = [(each.name, each.result, each.verdict) for each in foretold]
    assert told == [(each.name, each.result, each.verdict) for each in admission.results]
    assert told == [(each.name, each.result, each.verdict) for each in kept]
    assert [name for name, _, _ in told] == GATES


@pytest.mark.parametrize("note", ["", "nearly", "ask", "forbidden", "full"])
def test_a_dry_run_writes_nothing_whatever_the_gates_say(
    app: Flask, viewer: Callable[..., Any], database: Any, note: str
) -> None:
    one = viewer("researcher")
    before = written(app)
    said = dry(app, one, config=noted(note), idempotency_key="k", for_approval=True)
    assert written(app) == before
    assert [each.name for each in said] == GATES
    refused = [each.name for each in said if each.result == "no"]
    assert refused == {"forbidden": ["Access rules"], "full": ["Room"]}.get(note, [])


def test_a_dry_run_tells_every_outer_refusal_and_which_gates_it_did_not_reach(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    said = dry(app, viewer("viewer"), config={"steps": 0})
    results = [each.result for each in said]
    assert [each.name for each in said] == GATES
    assert results == ["no", "no", "pass", "todo", "todo", "todo", "todo"]
    assert [each["path"] for each in said[1].fields] == ["config.steps"]
    assert asked(app) == []


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("note", "error", "event", "code", "why"),
    [
        ("forbidden", NotAllowed, "job.refused", "access_denied", "nobody may train this"),
        ("full", QuotaExceeded, "quota.exceeded", "quota_exceeded", "9 of 10 jobs this month"),
    ],
)
def test_a_refusal_is_recorded_with_its_reason_and_leaves_nothing_else(
    app: Flask,
    viewer: Callable[..., Any],
    database: Any,
    note: str,
    error: type[Exception],
    event: str,
    code: str,
    why: str,
) -> None:
    one = viewer("researcher")
    before = written(app)
    with pytest.raises(error, match=why):
        zoo_jobs.submit(app, one, config=noted(note), config_name="mine")
    after = written(app)
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"delivery"} == {"event", "head of the journal"}
    assert after["event"] == before["event"] + 1
    told = newest_event(app)
    assert (told.name, told.message, told.owner_id) == (event, why, one.user_id)
    assert (told.subject_type, told.subject_id) == ("submission", "mine")
    assert told.data["code"] == code


def test_who_may_not_submit_is_refused_and_that_is_recorded(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with pytest.raises(NotAllowed, match=r"job\.submit"):
        zoo_jobs.submit(app, viewer("viewer"))
    assert newest_event(app).name == "job.refused"
    assert newest_event(app).data["permission"] == "job.submit"
    assert zoo_jobs.states(app) == {}


def test_problems_of_the_config_and_of_the_provider_are_named_at_their_field(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with pytest.raises(SubmissionInvalid) as refused:
        zoo_jobs.submit(app, viewer("researcher"), config={"steps": 0, "stepz": 1}, hardware="gold")
    paths = {each["path"] for each in refused.value.fields}
    assert paths == {"config.steps", "config.stepz", "hardware"}
    assert all(each["message"] for each in refused.value.fields)
    assert zoo_jobs.states(app) == {}


def test_without_a_config_or_a_name_there_is_nothing_to_train(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with pytest.raises(SubmissionInvalid, match="nothing to train") as refused:
        zoo_jobs.submit(app, viewer("researcher"), config=None)
    assert refused.value.fields == [{"path": "config", "message": "missing"}]


def test_a_warning_lets_the_job_pass_and_is_recorded(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    with app.app_context():
        draft = zoo_jobs.draft(config=noted("nearly"))
        admission = submission.submit(viewer("researcher"), draft)
        assert admission.warnings == ["9 of 10 jobs this month"]
        number = admission.job.id
    assert zoo_jobs.job(app, number).state is JobState.QUEUED
    assert "quota.warning" in zoo_jobs.names_of_events(app, number)


# ── idempotency ───────────────────────────────────────────────────────────────────────────────────


def test_the_same_key_of_the_same_submitter_is_the_same_job_for_a_day(
    app: Flask, viewer: Callable[..., Any], clock: Any, database: Any
) -> None:
    one, other = viewer("researcher"), viewer("researcher")
    first = zoo_jobs.submit(app, one, idempotency_key="k")
    before = written(app)
    with app.app_context():
        again = submission.submit(one, zoo_jobs.draft(idempotency_key="k", config={"steps": 7}))
        assert (again.idempotent_hit, again.job.id) == (True, first)
    assert written(app) == before
    assert zoo_jobs.submit(app, other, idempotency_key="k") != first
    clock.advance(hours=23, minutes=59)
    assert zoo_jobs.submit(app, one, idempotency_key="k") == first
    clock.advance(minutes=2)
    later = zoo_jobs.submit(app, one, idempotency_key="k")
    assert later != first
    assert zoo_jobs.submit(app, one, idempotency_key="k") == later
    assert zoo_jobs.job(app, first).idempotency_key is None


def test_a_refused_submission_does_not_use_up_its_key(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    one = viewer("researcher")
    with pytest.raises(QuotaExceeded):
        zoo_jobs.submit(app, one, idempotency_key="k", config=noted("full"))
    with app.app_context():
        assert not submission.submit(one, zoo_jobs.draft(idempotency_key="k")).idempotent_hit


def test_threads_that_race_with_one_key_make_one_job(
    app: Flask, viewer: Callable[..., Any], database: Any
) -> None:
    one = viewer("researcher")
    found = zoo_jobs.at_once([lambda: zoo_jobs.submit(app, one, idempotency_key="k")] * 8)
    assert len(set(found)) == 1
    assert list(zoo_jobs.states(app)) == [found[0]]
    assert zoo_jobs.names_of_events(app, int(str(found[0]))).count("job.submitted") == 1


# ── starting points ───────────────────────────────────────────────────────────────────────────────


def saved(app: Flask, job_id: int, *steps: int) -> None:
    """Put complete checkpoints into a job's workspace."""
    with app.app_context():
        folder = workspaces.of(db.session.get_one(Job, job_id)) / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    for step in steps:
        (folder / f"step-{step:06d}.json").write_text("{}")


def test_a_job_that_one_cannot_see_is_no_place_to_start_from(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    one, other = viewer("researcher"), viewer("researcher")
    source = zoo_jobs.submit(app, one)
    saved(app, source, 1)
    for unseen in (str(source), "99999"):
        with pytest.raises(NotFound):
            zoo_jobs.submit(app, other, start_from_job=unseen)
    mine = zoo_jobs.submit(app, one, start_from_job=str(source))
    assert zoo_jobs.job(app, mine).start_from_job_id == source
    assert str(zoo_jobs.job(app, mine).start_from_checkpoint).endswith("step-000001.json")


def test_a_checkpoint_to_start_from_needs_its_job_and_must_be_there(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    one = viewer("researcher")
    source = zoo_jobs.submit(app, one)
    with pytest.raises(SubmissionInvalid, match="start_from_job"):
        zoo_jobs.submit(app, one, start_from_checkpoint="1")
    with pytest.raises(NotFound, match="no complete checkpoint"):
        zoo_jobs.submit(app, one, start_from_job=str(source))
    saved(app, source, 1)
    with pytest.raises(NotFound, match=r"step-000001\.json"):
        zoo_jobs.submit(app, one, start_from_job=str(source), start_from_checkpoint="2")


# ── approval ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("draft", [{"for_approval": True}, {"config": noted("ask")}])
def test_what_needs_approval_waits_until_a_lead_releases_it(
    app: Flask, viewer: Callable[..., Any], draft: dict[str, Any]
) -> None:
    one, lead = viewer("researcher"), viewer("lead")
    number = zoo_jobs.submit(app, one, **draft)
    assert zoo_jobs.job(app, number).state is JobState.PENDING_APPROVAL
    with app.app_context(), pytest.raises(NotAllowed):
        queue.approve(one, number)
    with app.app_context():
        queue.approve(lead, number)
    assert zoo_jobs.job(app, number).state is JobState.QUEUED
    with app.app_context(), pytest.raises(Conflict):
        queue.approve(lead, number)


def test_a_rejection_needs_a_reason_and_cancels_the_job_with_it(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    lead = viewer("lead")
    number = zoo_jobs.submit(app, viewer("researcher"), for_approval=True)
    with app.app_context(), pytest.raises(Malformed) as refused:
        queue.reject(lead, number, "  ")
    assert [each["path"] for each in refused.value.fields] == ["reason"]
    assert zoo_jobs.job(app, number).state is JobState.PENDING_APPROVAL
    with app.app_context():
        queue.reject(lead, number, "too dear")
    rejected = zoo_jobs.job(app, number)
    assert rejected.state is JobState.CANCELLED
    assert "too dear" in str(rejected.error_message)
    assert "job.rejected" in zoo_jobs.names_of_events(app, number)


def test_who_may_skip_approval_does_so_unless_they_ask_for_it(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    admin = viewer("admin")
    passed = zoo_jobs.submit(app, admin, config=noted("ask"))
    waiting = zoo_jobs.submit(app, admin, for_approval=True)
    assert zoo_jobs.states(app) == {
        passed: JobState.QUEUED,
        waiting: JobState.PENDING_APPROVAL,
    }


# ── priority ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("level", "priority", "missing"),
    [
        ("researcher", 5, "job.priority.high"),
        ("researcher", 21, "queue.manage"),
        ("lead", 20, None),
        ("lead", 21, "queue.manage"),
        ("admin", 50, None),
    ],
)
def test_priority_needs_the_right_to_give_it(
    app: Flask, viewer: Callable[..., Any], level: str, priority: int, missing: str | None
) -> None:
    one = viewer(level)
    if missing is None:
        number = zoo_jobs.submit(app, one, priority=priority)
        assert zoo_jobs.job(app, number).effective_priority == priority
    else:
        with pytest.raises(NotAllowed) as refused:
            zoo_jobs.submit(app, one, priority=priority)
        assert refused.value.details["permission"] == missing


# ── retries ───────────────────────────────────────────────────────────────────────────────────────


def failed(app: Flask, viewer: Any) -> int:
    number = zoo_jobs.submit(app, viewer)
    zoo_jobs.change(app, number, state=JobState.FAILED, attempt=3)
    saved(app, number, 5, 10)
    return number


@pytest.mark.parametrize(
    ("how", "resumes_from"),
    [
        ({}, "checkpoints/step-000010.json"),
        ({"checkpoint": "5"}, "checkpoints/step-000005.json"),
        ({"fresh": True}, None),
    ],
)
def test_a_retry_goes_on_from_the_last_checkpoint_the_named_one_or_the_beginning(
    app: Flask, viewer: Callable[..., Any], how: dict[str, Any], resumes_from: str | None
) -> None:
    one = viewer("researcher")
    number = failed(app, one)
    with app.app_context():
        retrying.retry(one, number, **how)
    again = zoo_jobs.job(app, number)
    assert (again.state, again.resume_from) == (JobState.QUEUED, resumes_from)
    assert again.max_attempts == 4
    assert zoo_jobs.names_of_events(app, number)[-1] == "job.requeued"


def test_only_a_job_that_ended_badly_can_be_retried_and_only_by_who_may(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    one = viewer("researcher")
    number = failed(app, one)
    with app.app_context(), pytest.raises(NotFound):
        retrying.retry(viewer("researcher"), number)
    with app.app_context(), pytest.raises(NotFound, match="no complete checkpoint"):
        retrying.retry(one, number, checkpoint="7")
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.COMPLETED):
        zoo_jobs.put(app, number, state)
        with app.app_context(), pytest.raises(Conflict):
            retrying.retry(one, number)
