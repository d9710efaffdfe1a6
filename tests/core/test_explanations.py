"""Why a job waits: every gate is told, and exactly the named changes start it.

The states are random: people, teams, running jobs, those ahead, limits, a paused queue, approvals,
dependencies, with the fair share and without. The named changes are made for real, and every
smaller set of changes that anybody could make is tried in vain on the same state built anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import combinations
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from st_core.clock import now
from st_core.contracts import JobState, Remedy
from st_core.db import db, unit_of_work
from st_core.models import Job, JobDependency, Org, StoredSetting, Team
from st_core.services import claims, explanations, policy, queue_control, settings, users
from st_core.services import jobs as job_service
from st_core.testing import people
from tests.exam import Exam

LIMITS = ("queue.max_concurrent", "queue.user_max_concurrent", "queue.team_max_concurrent")
DEMAND = {"reason": "it is costly", "approver_level": "lead", "quorum": 1, "expires_at": None}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo"])


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


class World:
    """States of the queue, each put in the place of the last one."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.users = [people.make_user(app, "researcher", f"r{n}") for n in range(3)]
        with app.app_context():
            self.owner = users.local_viewer()
        with app.app_context(), unit_of_work() as session:
            org = Org(name="Org", slug="org")
            session.add(org)
            session.flush()
            team = Team(name="Team", slug="team", org_id=org.id)
            session.add(team)
            session.flush()
            self.org, self.team = org.id, team.id

    def build(self, seed: int) -> int:
        """Put the state of this seed in place and return the number of the job asked about."""
        drawn = Random(seed)
        with self.app.app_context(), unit_of_work() as session:
            session.execute(delete(Job))
            session.execute(delete(StoredSetting))
            values: dict[str, Any] = {
                "queue.max_concurrent": drawn.randint(1, 4),
                "queue.user_max_concurrent": drawn.randint(1, 2),
                "queue.team_max_concurrent": drawn.randint(1, 2),
                "queue.paused": drawn.random() < 0.15,
                "queue.enable_fair_share": drawn.random() < 0.3,
            }
            session.add_all(StoredSetting(key=key, value=value) for key, value in values.items())
            running = [self._job(drawn, JobState.RUNNING) for _ in range(drawn.randint(0, 3))]
            waiting = [self._job(drawn, JobState.QUEUED) for _ in range(drawn.randint(0, 3))]
            asked = self._job(drawn, JobState.QUEUED)
            if drawn.random() < 0.25:
                asked.state, asked.demands = JobState.PENDING_APPROVAL, [DEMAND]
                asked.requires_approval, asked.queued_at = True, None
            others = [*running, *waiting]
            drawn.shuffle(others)
            session.add_all([*others, asked])
            session.flush()
            if others and drawn.random() < 0.25:
                session.add(
                    JobDependency(
                        job_id=asked.id,
                        on_job_id=drawn.choice(others).id,
                        kind=drawn.choice(["after_ok", "after_any"]),
                    )
                )
            policy.bump()
            return asked.id

    def _job(self, drawn: Random, state: JobState) -> Job:
        in_team = drawn.random() < 0.5
        moment = now() - timedelta(minutes=drawn.randint(1, 30))
        priority = drawn.choice([0, 10, 10, 20])
        return Job(
            key=uuid.uuid4().hex,
            name="a job",
            state=state,
            user_id=drawn.choice(self.users),
            org_id=self.org if in_team else None,
            team_id=self.team if in_team else None,
            provider="never",
            trainer="fake_trainer",
            config_name="fake",
            config={"steps": 1},
            config_digest="0" * 64,
            priority=priority,
            effective_priority=priority,
            bypasses_queue=drawn.random() < 0.05,
            queued_at=moment,
            started_at=moment if state.is_active else None,
            attempt=1 if state.is_active else 0,
        )

    def why(self, job_id: int) -> explanations.Why:
        with self.app.app_context():
            settings.refresh()
            return explanations.why(self.owner, job_id)

    def starts(self, job_id: int, changes: Iterable[Remedy]) -> bool:
        """Make the changes for good, let the dispatcher take what it takes, and tell whether the
        job is among that."""
        with self.app.app_context():
            settings.refresh()
            for change in changes:
                self._make(job_id, change)
            while claims.claim() is not None:
                pass
            return db.session.get_one(Job, job_id).state is JobState.STARTING

    def _make(self, job_id: int, change: Remedy) -> None:
        if change.kind == "resume_queue":
            queue_control.pause(self.owner, paused=False)
        elif change.kind == "raise_limit":
            settings.change(self.owner, {change.subject: int(change.value or 0)})
        elif change.kind == "approve":
            queue_control.approve(self.owner, job_id)
        elif change.kind == "raise_priority":
            queue_control.set_priority(self.owner, job_id, int(change.value or 0))
        elif change.kind in ("end_job", "complete_job"):
            with unit_of_work(gate="dispatch"):
                other = job_service.lock(int(change.subject))
                good = change.kind == "complete_job"
                other.state = JobState.COMPLETED if good else JobState.CANCELLED
                other.completed_at = now()
        else:
            raise AssertionError(f"nobody can make {change}")

    def possible(self, job_id: int) -> list[Remedy]:
        """Return every change somebody could make, each limit and priority as far as it goes."""
        with self.app.app_context():
            found = [
                Remedy("resume_queue", "queue.paused", ""),
                *(Remedy("raise_limit", key, "", 20) for key in LIMITS),
                Remedy("raise_priority", str(job_id), "", 50),
            ]
            if db.session.get_one(Job, job_id).state is JobState.PENDING_APPROVAL:
                found.append(Remedy("approve", str(job_id), ""))
            for other in db.session.query(Job).filter(Job.id != job_id):
                if other.state is JobState.RUNNING:
                    found.append(Remedy("end_job", str(other.id), ""))
                query = db.session.query(JobDependency)
                if query.filter_by(job_id=job_id, on_job_id=other.id).count():
                    found.append(Remedy("complete_job", str(other.id), ""))
            return found


def smaller(possible: list[Remedy], size: int) -> Iterator[tuple[Remedy, ...]]:
    for count in range(size):
        yield from combinations(possible, count)


def test_exactly_the_named_changes_start_a_job_and_no_smaller_set_does(
    world: World, exam: Exam
) -> None:
    sizes: dict[int, int] = {}
    for _ in range(exam.count("states", 40, 10_000)):
        seed = exam.random.getrandbits(32)
        job_id = world.build(seed)
        found = world.why(job_id)
        assert found.is_proven, (seed, found)
        size = {len(way) for way in found.ways}
        assert len(size) == 1, (seed, found.ways)
        sizes[max(size)] = sizes.get(max(size), 0) + 1
        for way in found.ways:
            job_id = world.build(seed)
            again = [at(change, found.job_id, job_id) for change in way]
            assert world.starts(job_id, again), (seed, way)
        if not found.is_smallest:
            continue
        then = world.build(seed)
        for fewer in smaller(world.possible(then), max(size)):
            job_id = world.build(seed)
            moved = [at(change, then, job_id) for change in fewer]
            assert not world.starts(job_id, moved), (seed, fewer, found.ways)
    exam.tell(f"sizes of the sets: {dict(sorted(sizes.items()))}")


def at(change: Remedy, then: int, here: int) -> Remedy:
    """Return a change for the same state built anew, where jobs have later numbers."""
    if not change.subject.isdecimal():
        return change
    return Remedy(change.kind, str(int(change.subject) + here - then), change.text, change.value)
