"""Claiming: the right job next, limits kept, and nobody hidden behind those who must wait."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.models import Job, Membership, Org, Team
from st_core.services import (
    claims,
    dispatcher,
    endings,
    limits,
    queue,
    submission,
    users,
)
from tests.core import zoo_jobs
from tests.exam import Exam

Services = Callable[..., None]

#: Holds, vetoes and failures as the hardware of a job tells: `hold-<scope>-<anything>`.
ODD = """
from st_core import hookimpl
from st_core.contracts import Hold, JobState

ASKED = []


@hookimpl
def st_hold_job(job, load):
    ASKED.append(job.id)
    words = (job.hardware or "").split("-")
    if words[0] == "hold" and not job.bypasses_queue:
        return Hold("held " + "x" * 600, scope=words[1])
    if words[0] == "holdall":
        return Hold("held whoever asks", scope=words[1])
    if words[0] == "broken":
        raise LookupError("the driver does not answer")


@hookimpl
def st_job_transition(job, old, new):
    if new is JobState.STARTING and job.hardware == "veto":
        raise LookupError("no slot after all")
"""


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("odd", ODD)
    app = make_app(plugins=["zoo", "odd"], queue__max_concurrent=100, queue__user_max_concurrent=20)
    for provider in app.extensions["st"].providers.values():
        provider.__dict__["validate"] = lambda submission: []
    return app


@pytest.fixture(autouse=True)
def _as_they_were(app: Flask) -> Any:
    yield
    for provider in app.extensions["st"].providers.values():
        provider.__dict__.pop("validate", None)


@pytest.fixture
def people(viewer: Callable[..., Any]) -> Callable[[int], list[Any]]:
    return lambda count: [viewer("researcher", f"r{n}") for n in range(count)]


def waits(app: Flask, viewer: Any, **columns: Any) -> int:
    """Submit a job, then write what no submission can ask for."""
    job_id = zoo_jobs.submit(app, viewer)
    if columns:
        zoo_jobs.change(app, job_id, **columns)
    return job_id


def copies(app: Flask, of: int, count: int, **columns: Any) -> None:
    """Insert `count` more jobs like the one with number `of`, all before it in time."""
    with app.app_context(), unit_of_work():
        one = db.session.get_one(Job, of)
        kept = {c.key: getattr(one, c.key) for c in Job.__table__.columns if c.key != "id"}
        for number in range(count):
            row = kept | {"key": f"{of}-{number}", "idempotency_key": None} | columns
            db.session.add(Job(**row))


def claimed(app: Flask) -> int | None:
    with app.app_context():
        found = claims.claim()
        return found.job_id if found else None


def claim_all(app: Flask) -> list[int]:
    found = []
    while (job_id := claimed(app)) is not None:
        found.append(job_id)
    return found


# ── order ─────────────────────────────────────────────────────────────────────────────────────────


def test_higher_priority_goes_first_then_who_came_first(
    app: Flask, viewer: Callable[..., Any], database: Any
) -> None:
    researcher, lead = viewer("researcher"), viewer("lead")
    first, second = waits(app, researcher), waits(app, researcher)
    urgent = waits(app, lead)
    raised = waits(app, researcher, priority_override=40, effective_priority=40)
    assert claim_all(app) == [raised, urgent, first, second]


def test_of_those_who_came_at_the_same_moment_the_lower_number_goes_first(
    app: Flask, people: Any
) -> None:
    (one,) = people(1)
    numbers = [waits(app, one) for _ in range(4)]
    moment = zoo_jobs.job(app, numbers[0]).queued_at
    for number in numbers:
        zoo_jobs.change(app, number, queued_at=moment)
    assert claim_all(app) == numbers


def test_a_claim_makes_the_next_attempt_with_a_lease_of_ours(app: Flask, people: Any) -> None:
    job_id = waits(app, people(1)[0])
    assert claimed(app) == job_id
    (attempt,) = zoo_jobs.attempts(app, job_id)
    assert zoo_jobs.job(app, job_id).state is JobState.STARTING
    assert (attempt.number, attempt.fence, attempt.provider_state) == (1, 1, None)
    assert attempt.lease_expires_at == attempt.next_poll_at


# ── limits ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_run_than_the_limit_allows(
    make_app: Callable[..., Flask], viewer: Callable[..., Any], limit: int, app: Flask
) -> None:
    small = make_app(plugins=["zoo"], queue__max_concurrent=limit, queue__user_max_concurrent=20)
    with small.app_context():
        owner = users.local_viewer()
    numbers = [zoo_jobs.submit(small, owner) for _ in range(5)]
    assert claim_all(small) == numbers[:limit]
    with small.app_context():
        endings.not_started(numbers[0], 1, 1, "never mind")
        assert limits.load().total == limit - 1
    assert claimed(small) == numbers[0]  # it kept its place


def test_one_person_at_the_limit_hides_nobody_behind(
    make_app: Callable[..., Flask], app: Flask, database: Any
) -> None:
    small = make_app(plugins=["zoo"], queue__max_concurrent=5, queue__user_max_concurrent=2)
    ada, bob = (_person(small, name) for name in ("ada", "bob"))
    hers = [zoo_jobs.submit(small, ada) for _ in range(3)]
    copies(small, hers[-1], 60)
    his = zoo_jobs.submit(small, bob)
    assert claim_all(small) == [*hers[:2], his]


def _person(app: Flask, name: str) -> Any:
    from st_core.testing import people

    return people.viewer_of(app, people.make_user(app, "researcher", name))


def test_one_team_at_the_limit_hides_nobody_behind(make_app: Callable[..., Flask]) -> None:
    app = make_app(plugins=["zoo"], queue__team_max_concurrent=1, queue__user_max_concurrent=20)
    names = [_person(app, name).username for name in ("ada", "bob", "eve")]
    with app.app_context(), unit_of_work():
        org = Org(name="Lab", slug="lab")
        db.session.add(org)
        db.session.flush()
        team = Team(org_id=org.id, name="Vision", slug="vision")
        db.session.add(team)
        db.session.flush()
        for name in names[:2]:
            db.session.add(Membership(user_id=_id(name), org_id=org.id, team_id=team.id))
    with app.app_context():
        ada, bob, eve = (
            users.viewer_of(db.session.get_one(users.User, _id(name)), "session") for name in names
        )
    first = zoo_jobs.submit(app, ada)
    copies(app, zoo_jobs.submit(app, bob), 60)
    alone = zoo_jobs.submit(app, eve)
    assert claim_all(app) == [first, alone]


def _id(username: str) -> int:
    found = db.session.scalar(users.select(users.User.id).where(users.User.username == username))
    assert found is not None
    return found


def test_who_may_skip_the_limits_starts_though_everything_is_full(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=["zoo"], queue__max_concurrent=1)
    with app.app_context():
        owner = users.local_viewer()
    first, _, skips = (
        zoo_jobs.submit(app, owner, bypass_queue=bypass) for bypass in (False, False, True)
    )
    assert claim_all(app) == [first, skips]


def test_a_paused_queue_starts_nothing_not_even_who_may_skip_the_limits(
    app: Flask, viewer: Callable[..., Any]
) -> None:
    root = viewer("admin")
    job_id = zoo_jobs.submit(app, root, bypass_queue=True)
    with app.app_context():
        queue.pause(root)
    assert claimed(app) is None
    with app.app_context():
        queue.pause(root, False)
    assert claimed(app) == job_id


def test_limits_changed_by_another_process_hold_from_the_next_claim_on(
    make_app: Callable[..., Flask], database: Any
) -> None:
    here = make_app(plugins=["zoo"])
    url = str(here.config["SQLALCHEMY_DATABASE_URI"])
    there = make_app(plugins=["zoo"], database_url=url)
    with here.app_context():
        owner = users.local_viewer()
        limits.change(owner, {"max_concurrent": 1, "user_max_concurrent": 20})
    numbers = [zoo_jobs.submit(here, owner) for _ in range(3)]
    assert claim_all(there) == numbers[:1]
    with there.app_context():
        limits.change(owner, {"max_concurrent": 2})
    assert claim_all(here) == numbers[1:2]


# ── holds ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scope", ["provider", "hardware", "alike", "nonsense"])
def test_what_is_held_hides_nobody_behind(
    app: Flask, people: Any, scope: str, database: Any
) -> None:
    ada, bob = people(2)
    held = waits(app, ada, hardware=f"hold-{scope}-1", provider="slow")
    copies(app, held, 60)
    free = waits(app, bob)
    assert claim_all(app) == [free]
    assert (zoo_jobs.job(app, held).hold_reason or "").startswith("held x")


def test_what_holds_one_hardware_does_not_hold_another_nor_a_job_that_takes_any(
    app: Flask, people: Any
) -> None:
    (ada,) = people(1)
    waits(app, ada, hardware="hold-hardware-1")
    other = waits(app, ada, hardware="other")
    takes_any = waits(app, ada, hardware="hold-alike-1", details={"any_gpu": True})
    assert claim_all(app) == [other]
    zoo_jobs.change(app, takes_any, hardware="free", details={"any_gpu": True})
    waits(app, ada, hardware="hold-hardware-2")
    assert claim_all(app) == [takes_any]


def test_a_hold_for_many_devices_does_not_hold_who_asks_for_fewer(app: Flask, people: Any) -> None:
    (ada,) = people(1)
    waits(app, ada, hardware="hold-alike-1", gpu_count=8)
    with app.app_context():
        from st_odd import ASKED

        ASKED.clear()
    copies(app, waits(app, ada, hardware="hold-alike-1", gpu_count=8), 60)
    waits(app, ada, hardware="hold-alike-1", gpu_count=1)
    assert claim_all(app) == []
    assert len(ASKED) == 2  # once for those who ask for eight, once for the one who asks for one


def test_what_holds_ordinary_jobs_does_not_hold_who_may_skip_the_limits(
    app: Flask, people: Any
) -> None:
    (ada,) = people(1)
    held = waits(app, ada, hardware="hold-provider-1")
    copies(app, held, 60)
    skips = waits(app, ada, hardware="hold-provider-1", bypasses_queue=True)
    assert claim_all(app) == [skips]


def test_what_holds_even_who_may_skip_the_limits_holds_the_ordinary_as_well(
    app: Flask, people: Any
) -> None:
    (ada,) = people(1)
    waits(app, ada, hardware="holdall-provider-1", bypasses_queue=True, effective_priority=50)
    ordinary = waits(app, ada)
    assert claim_all(app) == []
    assert zoo_jobs.job(app, ordinary).hold_reason == "held whoever asks"


@pytest.mark.parametrize("what", ["provider", "trainer"])
def test_jobs_of_what_is_not_enabled_wait_and_hide_nobody(
    app: Flask, people: Any, what: str
) -> None:
    ada, bob = people(2)
    gone = waits(app, ada, **{what: "gone"})
    copies(app, gone, 700)
    free = waits(app, bob)
    assert claim_all(app) == [free]
    assert zoo_jobs.job(app, gone).hold_reason == f"The {what} gone is not enabled."


def test_a_plugin_that_fails_to_say_lets_the_job_wait_and_stops_nobody(
    app: Flask, people: Any, database: Any
) -> None:
    (ada,) = people(1)
    broken, free = waits(app, ada, hardware="broken"), waits(app, ada)
    assert claim_all(app) == [free]
    assert "the driver does not answer" in (zoo_jobs.job(app, broken).hold_reason or "")


def test_a_plugin_that_will_not_have_one_job_stops_nobody_else(
    app: Flask, people: Any, database: Any
) -> None:
    (ada,) = people(1)
    veto, free = waits(app, ada, hardware="veto"), waits(app, ada)
    assert claim_all(app) == [free]
    one = zoo_jobs.job(app, veto)
    assert (one.state, one.attempt) == (JobState.QUEUED, 0)
    assert "no slot after all" in (one.hold_reason or "")
    assert zoo_jobs.attempts(app, veto) == []
    assert zoo_jobs.names_of_events(app, veto) == ["job.submitted"]


def test_the_reason_to_wait_goes_when_the_job_is_started(app: Flask, people: Any) -> None:
    job_id = waits(app, people(1)[0], hardware="hold-job-1")
    assert claim_all(app) == []
    zoo_jobs.change(app, job_id, hardware="free")
    assert claim_all(app) == [job_id]
    assert zoo_jobs.job(app, job_id).hold_reason is None


# ── at once ───────────────────────────────────────────────────────────────────────────────────────


def test_no_job_is_claimed_twice_and_no_limit_passed_by_many_at_once(
    make_app: Callable[..., Flask], database: Any, exam: Exam
) -> None:
    app = make_app(plugins=["zoo"], queue__max_concurrent=5, queue__user_max_concurrent=2)
    people = [_person(app, f"r{n}") for n in range(4)]
    for person in people:
        for _ in range(exam.count("jobs each", 3, 12)):
            zoo_jobs.submit(app, person)
    taken: list[int] = []

    def race() -> None:
        taken.extend(claim_all(app))

    zoo_jobs.at_once([race] * exam.count("threads", 8, 64))
    assert len(taken) == len(set(taken)) == 5
    owners = Counter(zoo_jobs.job(app, job_id).user_id for job_id in taken)
    assert max(owners.values()) == 2


def test_a_provider_that_hangs_does_not_stop_the_starts_of_others(
    app: Flask, people: Any, run_services_once: Services
) -> None:
    (ada,) = people(1)
    go_on, never = threading.Event(), app.extensions["st"].providers["never"]
    real = never.start

    def hang(order: Any, env: Any) -> Any:
        go_on.wait(60)
        return real(order, env)

    never.start = hang
    try:
        hanging = [waits(app, ada, provider="never") for _ in range(12)]
        others = [waits(app, ada) for _ in range(3)]
        with app.app_context():
            assert dispatcher.process_now() == [*hanging[:8], *others]
            _until(lambda: {zoo_jobs.states(app)[n] for n in others} == {JobState.RUNNING})
        assert [zoo_jobs.states(app)[n] for n in hanging[8:]] == [JobState.QUEUED] * 4
    finally:
        go_on.set()
        del never.start
    for _ in range(2):  # the lane was full when the first looked
        run_services_once("dispatch")
    assert {zoo_jobs.states(app)[n] for n in hanging} == {JobState.RUNNING}


def _until(ready: Callable[[], bool]) -> None:
    for _ in range(2000):
        if ready():
            return
        threading.Event().wait(0.01)
    raise AssertionError("nothing happened")


def test_a_job_that_must_not_wait_is_refused_when_another_is_about_to_start(
    make_app: Callable[..., Flask], database: Any
) -> None:
    app = make_app(plugins=["zoo"], queue__max_concurrent=1)
    with app.app_context():
        owner = users.local_viewer()

    def submit() -> str:
        with app.app_context():
            return submission.submit(owner, zoo_jobs.draft(no_wait=True)).job.state

    told = zoo_jobs.at_once([submit] * 6)
    assert sum(each is JobState.QUEUED for each in told) == 1
    refused = [each for each in told if isinstance(each, Exception)]
    assert len(refused) == 5
    assert all("It would have to wait" in str(each) for each in refused)
