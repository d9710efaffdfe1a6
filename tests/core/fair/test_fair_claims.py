"""The fair queue over a real database: the dispatcher's own claims, checked one by one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.clock import now
from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.models import Event, Job, Membership, Org, ShareUsage, Team
from st_core.models.jobs import IS_ACTIVE, IS_QUEUED
from st_core.progress.readings import Phase, Progress
from st_core.services import (
    claims,
    dispatcher,
    endings,
    limits,
    positions,
    queue,
    settings,
    turns,
    users,
)
from st_core.testing import people
from tests.core import zoo_jobs
from tests.exam import Exam

#: A machine with four devices of each kind, known by what runs on it.
MACHINE = """
import sqlalchemy as sa

from st_core import hookimpl
from st_core.contracts import Hold
from st_core.db import db
from st_core.models import Job
from st_core.models.jobs import IS_ACTIVE


@hookimpl
def st_hold_job(job, load):
    if not job.hardware:
        return None
    total = sa.func.sum(Job.gpu_count)
    used = sa.select(total).where(IS_ACTIVE, Job.hardware == job.hardware)
    free = 4 - (db.session.scalar(used) or 0)
    if free < job.gpu_count:
        return Hold(f"{free} of 4 {job.hardware} are free.", scope="alike", free_devices=free)
"""
DEVICES = 4


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("machine", MACHINE)
    return make_app(
        plugins=["zoo", "machine"],
        queue__enable_fair_share=True,
        queue__max_concurrent=6,
        queue__user_max_concurrent=3,
        queue__team_max_concurrent=4,
    )


def someone(app: Flask, name: str) -> int:
    """Make a researcher; return the number."""
    return int(people.viewer_of(app, people.make_user(app, "researcher", name)).user_id or 0)


def team(app: Flask, slug: str, *members: int) -> tuple[int, int]:
    """Make an organisation with one team of these people; return both numbers."""
    with app.app_context(), unit_of_work():
        org = Org(name=slug, slug=slug)
        db.session.add(org)
        db.session.flush()
        made = Team(org_id=org.id, name=slug, slug=slug)
        db.session.add(made)
        db.session.flush()
        for user_id in members:
            db.session.add(Membership(user_id=user_id, org_id=org.id, team_id=made.id))
        return org.id, made.id


def waits(app: Flask, user_id: int, **columns: Any) -> int:
    """Put a job into the queue as a submission would have; return its number."""
    with app.app_context(), unit_of_work():
        number = random.getrandbits(100)
        whole = {
            "key": f"{number:x}",
            "name": "a job",
            "user_id": user_id,
            "state": JobState.QUEUED,
            "provider": "instant",
            "trainer": "fake_trainer",
            "config_name": "digits",
            "config": {"steps": 1},
            "config_digest": "0" * 64,
            "queued_at": now(),
        }
        job = Job(**(whole | columns))
        db.session.add(job)
        db.session.flush()
        return job.id


def start_next(app: Flask) -> int | None:
    """Let the dispatcher claim one job and record that it runs; return its number."""
    with app.app_context():
        claimed = claims.claim()
        if claimed is None:
            return None
        dispatcher.record_started(claimed.job_id, claimed.number, 1, {})
        return claimed.job_id


def end(app: Flask, job_id: int) -> None:
    with app.app_context():
        number = db.session.get_one(Job, job_id).attempt
        endings.finish(job_id, number, 1, Progress(Phase.COMPLETED))


def test_who_used_less_goes_first_within_a_priority_and_not_over_it(
    app: Flask, clock: Any, database: Any
) -> None:
    ada, bob, eve = (someone(app, name) for name in ("ada", "bob", "eve"))
    used = waits(app, ada)
    assert start_next(app) == used
    clock.advance(hours=3)
    end(app, used)
    hers, his = waits(app, ada), waits(app, bob)
    above = waits(app, ada, priority=20, effective_priority=20)
    later = waits(app, eve)
    with app.app_context():
        order = [job.id for job in db.session.scalars(turns.ordered(select(Job).where(IS_QUEUED)))]
        places = [positions.position(db.session.get_one(Job, each)) for each in order]
        rows = {row.path: row.gpu_seconds for row in db.session.scalars(select(ShareUsage))}
    assert order == [above, his, later, hers]
    assert places == [1, 2, 3, 4]
    assert [start_next(app) for _ in range(4)] == order
    assert rows == pytest.approx({path: 3 * 3600 for path in ("0", "0/0", f"0/0/{ada}")}, rel=0.01)


def test_an_organisation_that_used_much_stands_behind_whoever_of_it_asks(
    app: Flask, clock: Any
) -> None:
    ada, bob, eve = (someone(app, name) for name in ("ada", "bob", "eve"))
    lab, other = team(app, "lab", ada, bob), team(app, "other", eve)
    used = waits(app, ada, org_id=lab[0], team_id=lab[1])
    assert start_next(app) == used
    clock.advance(hours=1)
    end(app, used)
    new = waits(app, bob, org_id=lab[0], team_id=lab[1])
    strange = waits(app, eve, org_id=other[0], team_id=other[1])
    assert [start_next(app), start_next(app)] == [strange, new]


def test_a_heavier_share_may_use_more_before_it_stands_behind(app: Flask, clock: Any) -> None:
    ada, eve = someone(app, "ada"), someone(app, "eve")
    lab, other = team(app, "lab", ada), team(app, "other", eve)
    with app.app_context():
        settings.change(users.local_viewer(), {"queue.shares": {"lab": 3.0}})
    first = waits(app, ada, org_id=lab[0], team_id=lab[1])
    assert start_next(app) == first
    clock.advance(hours=2)
    end(app, first)
    second = waits(app, eve, org_id=other[0], team_id=other[1])
    assert start_next(app) == second
    clock.advance(hours=1)
    end(app, second)
    mine = waits(app, eve, org_id=other[0], team_id=other[1])
    hers = waits(app, ada, org_id=lab[0], team_id=lab[1])
    assert [start_next(app), start_next(app)] == [hers, mine]


def test_who_waits_long_enough_goes_before_higher_levels(app: Flask, clock: Any) -> None:
    ada, root = someone(app, "ada"), someone(app, "root")
    old = waits(app, ada, priority=0, effective_priority=0)
    clock.advance(hours=2)
    above = waits(app, root, priority=30, effective_priority=30)
    with app.app_context():
        assert turns.Look().front == above
    clock.advance(hours=2)
    new = waits(app, root, priority=30, effective_priority=30)
    assert [start_next(app) for _ in range(3)] == [old, above, new]


def test_without_the_fair_share_only_priority_and_time_count(
    make_app: Callable[..., Flask], clock: Any
) -> None:
    app = make_app(plugins=["zoo"])
    ada, bob = someone(app, "ada"), someone(app, "bob")
    used = waits(app, ada)
    assert start_next(app) == used
    clock.advance(hours=9)
    end(app, used)
    hers = waits(app, ada)
    clock.advance(hours=9)
    his, above = waits(app, bob), waits(app, bob, priority=20, effective_priority=20)
    assert [start_next(app) for _ in range(3)] == [above, hers, his]


def test_a_small_job_does_not_delay_a_large_one_at_the_head_and_one_beside_it_starts(
    app: Flask, clock: Any, database: Any
) -> None:
    ada, bob = someone(app, "ada"), someone(app, "bob")
    running = waits(app, ada, hardware="a100", gpu_count=2)
    assert start_next(app) == running
    head = waits(app, bob, hardware="a100", gpu_count=4)
    clock.advance(minutes=1)
    small = waits(app, ada, hardware="a100", gpu_count=1)
    beside = waits(app, ada, hardware="l40s", gpu_count=1)
    assert [start_next(app), start_next(app)] == [beside, None]
    assert zoo_jobs.job(app, head).hold_reason == "2 of 4 a100 are free."
    assert f"Job {head} goes first" in (zoo_jobs.job(app, small).hold_reason or "")
    with app.app_context():
        told = db.session.scalars(select(Event).where(Event.name == "job.went_ahead")).one()
    assert (told.job_id, told.data["before"]) == (beside, head)
    assert told.data["reason"] == "2 of 4 a100 are free."
    end(app, running)
    assert [start_next(app), start_next(app)] == [head, None]


def test_limits_say_what_would_make_room(app: Flask) -> None:
    ada = someone(app, "ada")
    started = [waits(app, ada) for _ in range(3)]
    assert [start_next(app) for _ in range(3)] == started
    last = waits(app, ada)
    with app.app_context():
        hold = limits.reached_by(db.session.get_one(Job, last), limits.load())
        entry = queue.entries(users.local_viewer(), (JobState.QUEUED,))[0]
    assert hold is not None
    assert entry.waits_because == hold.reason == "3 of 3 running for this person."
    assert [(one.kind, one.subject, one.value) for one in hold.remedies] == [
        ("raise_limit", "queue.user_max_concurrent", 4),
        *[("end_job", str(job_id), None) for job_id in started],
    ]


def test_random_queues_over_a_database_keep_what_the_simulation_keeps(
    app: Flask, clock: Any, exam: Exam
) -> None:
    chance = exam.random
    members = [someone(app, f"p{number}") for number in range(4)]
    lab = team(app, "lab", *members[:2])
    started = inversions = 0
    for _ in range(exam.count("moments", 25, 400)):
        for _ in range(chance.choice([0, 1, 3])):
            who = chance.choice(members)
            place = dict(zip(("org_id", "team_id"), lab, strict=True)) if who in members[:2] else {}
            priority = chance.choice([0, 10, 10, 20])
            waits(
                app,
                who,
                hardware=chance.choice(["a100", "l40s"]),
                gpu_count=chance.randint(1, DEVICES),
                priority=priority,
                effective_priority=priority,
                time_limit_seconds=chance.choice([None, 600, 7200]),
                bypasses_queue=chance.random() < 0.05,
                **place,
            )
        clock.advance(minutes=chance.choice([1, 20, 90]))
        for job_id in _active(app):
            if chance.random() < 0.4:
                end(app, job_id)
        while (job_id := _claim_and_check(app)) is not None:
            started += 1
            inversions += "job.went_ahead" in zoo_jobs.names_of_events(app, job_id)
        _check_room(app)
    assert started > inversions
    exam.tell(f"{started} starts, {inversions} ahead of another")


def _active(app: Flask) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(Job.id).where(IS_ACTIVE)))


def _claim_and_check(app: Flask) -> int | None:
    """Claim one job; everybody who stood before it must have a reason on record."""
    with app.app_context():
        before = list(db.session.scalars(turns.ordered(select(Job).where(IS_QUEUED))))
        present = limits.load()
        held = {job.id: bool(limits.reached_by(job, present)) for job in before}
    job_id = start_next(app)
    if job_id is None:
        return None
    passed = before[: [job.id for job in before].index(job_id)]
    with app.app_context():
        query = select(Event).where(Event.name == "job.went_ahead", Event.job_id == job_id)
        told = db.session.scalars(query).one_or_none()
    assert (told is not None) == bool(passed)
    for job in passed:
        assert told is not None
        at_limit = held[job.id] and told.data["limits"]
        assert at_limit or _is_told(job, told.data["held"]), (job.id, told.data)
    return job_id


def _is_told(job: Job, groups: list[dict[str, Any]]) -> bool:
    for group in groups:
        traits = {name: value for name, value in group.items() if name not in ("reason", "any_gpu")}
        if all(getattr(job, name) == value for name, value in traits.items()):
            return bool(group["reason"])
    return False


def _check_room(app: Flask) -> None:
    with app.app_context():
        active = list(db.session.scalars(select(Job).where(IS_ACTIVE)))
        present = limits.load()
    used = Counter[str]()
    for job in active:
        used[job.hardware or ""] += job.gpu_count
    assert max(used.values(), default=0) <= DEVICES
    ordinary = [job for job in active if not job.bypasses_queue]
    assert len(ordinary) <= 6
    assert max(Counter(job.user_id for job in ordinary).values(), default=0) <= 3
    assert present.total == len(active)


def test_shares_of_teams_stand_on_the_page_with_their_due(app: Flask, clock: Any) -> None:
    ada, bob, eve = (someone(app, name) for name in ("ada", "bob", "eve"))
    lab = team(app, "lab", ada)
    team(app, "other", bob)
    used = waits(app, ada, org_id=lab[0], team_id=lab[1])
    assert start_next(app) == used
    clock.advance(hours=1)
    end(app, used)
    page = people.client_of(app, people.make_user(app, "admin")).get("/queue").text
    assert "lab: used 100 percent, share 50 percent" in page
    assert "over its share, waits longer" in page
    assert "other: used 0 percent, share 50 percent" in page
    assert "lab: used" not in people.client_of(app, eve).get("/queue").text
