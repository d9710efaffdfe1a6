"""Random small worlds for tests of visibility: organisations, teams, people with rights, jobs.

`may_see` and `may_see_queued` say in plain words what the guide's matrix and the ruling on
organisations say; nothing of them is taken from the product.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Flask
from hypothesis import strategies as some
from sqlalchemy import delete, select

from st_core.clock import now
from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.models import Job, Level, Membership, Org, PermissionOverride, Team, User
from st_core.services import events

#: Guide section 10: which levels hold the rights that decide what is seen.
MATRIX = {
    "job.view.own": {"viewer", "researcher", "lead", "admin"},
    "job.view.all": {"lead", "admin"},
    "queue.view": {"researcher", "lead", "admin"},
    "queue.view.all": {"lead", "admin"},
}
STATES = (JobState.QUEUED, JobState.COMPLETED, JobState.PENDING_APPROVAL)
MOST_PEOPLE = 4


@dataclass(frozen=True)
class Person:
    """Somebody's level, overrides, organisation and teams, all by index."""

    level: str
    org: int | None
    teams: frozenset[int]
    granted: frozenset[str]
    denied: frozenset[str]

    def holds(self, right: str) -> bool:
        """Tell whether the person holds a right of the matrix."""
        held = self.level in MATRIX[right] and right not in self.denied
        return held or right in self.granted


@dataclass(frozen=True)
class Submitted:
    """A job: whose (None: of somebody who left), and what it was submitted for."""

    owner: int | None
    org: int | None
    team: int | None
    state: JobState


@dataclass(frozen=True)
class World:
    """Everything there is; `teams` holds each team's organisation."""

    orgs: int
    teams: tuple[int, ...]
    people: tuple[Person, ...]
    jobs: tuple[Submitted, ...]


def may_see(who: int, person: Person, job: Submitted) -> bool:
    """Own and the teams' jobs by `job.view.own`; all by `job.view.all`, which ends at the own
    organisation (or outside any, for who is in none) unless the person is an administrator."""
    if person.holds("job.view.own") and (job.owner == who or job.team in person.teams):
        return True
    if not person.holds("job.view.all"):
        return False
    return person.level == "admin" or job.org == person.org


def may_see_queued(who: int, person: Person, job: Submitted) -> bool:
    """The queue shows own and the teams' jobs, and with `queue.view.all` every visible one."""
    if not may_see(who, person, job):
        return False
    near = person.holds("job.view.own") and (job.owner == who or job.team in person.teams)
    return near or person.holds("queue.view.all")


@some.composite
def worlds(draw: some.DrawFn) -> World:
    """Draw a world."""
    orgs = draw(some.integers(0, 2))
    homes = some.sampled_from([None, *range(orgs)])
    teams = tuple(draw(some.lists(some.integers(0, orgs - 1), max_size=3))) if orgs else ()
    return World(
        orgs,
        teams,
        tuple(draw(some.lists(_people(homes, teams), min_size=2, max_size=MOST_PEOPLE))),
        tuple(draw(some.lists(_jobs(homes, teams), min_size=1, max_size=6))),
    )


@some.composite
def _people(
    draw: some.DrawFn, homes: some.SearchStrategy[int | None], teams: tuple[int, ...]
) -> Person:
    org = draw(homes)
    near = [number for number, home in enumerate(teams) if home == org and org is not None]
    overrides = draw(some.dictionaries(some.sampled_from(sorted(MATRIX)), some.booleans()))
    return Person(
        draw(some.sampled_from(["viewer", "researcher", "lead", "admin"])),
        org,
        draw(some.frozensets(some.sampled_from(near))) if near else frozenset(),
        frozenset(right for right, granted in overrides.items() if granted),
        frozenset(right for right, granted in overrides.items() if not granted),
    )


@some.composite
def _jobs(
    draw: some.DrawFn, homes: some.SearchStrategy[int | None], teams: tuple[int, ...]
) -> Submitted:
    team = draw(some.sampled_from([None, *range(len(teams))]))
    return Submitted(
        draw(some.sampled_from([None, *range(MOST_PEOPLE)])),
        draw(homes) if team is None else teams[team],
        team,
        draw(some.sampled_from(STATES)),
    )


def build(app: Flask, user_ids: list[int], world: World) -> dict[int, Submitted]:
    """Put a world in the place of the last one; return its jobs by number. Each has one event."""
    with app.app_context(), unit_of_work() as session:
        for model in (Job, Membership, PermissionOverride, Team, Org):
            session.execute(delete(model))
        orgs = [Org(name=f"Org {n}", slug=f"org-{n}") for n in range(world.orgs)]
        session.add_all(orgs)
        session.flush()
        teams = [
            Team(name=f"Team {n}", slug=f"team-{n}", org_id=orgs[home].id)
            for n, home in enumerate(world.teams)
        ]
        session.add_all(teams)
        session.flush()
        levels = {level.name: level for level in session.scalars(select(Level))}
        for user_id, person in zip(user_ids, world.people, strict=False):
            session.get_one(User, user_id).levels = [levels[person.level]]
            session.add_all(
                PermissionOverride(user_id=user_id, permission=right, granted=granted)
                for granted, rights in ((True, person.granted), (False, person.denied))
                for right in rights
            )
            if person.org is not None:
                session.add(Membership(user_id=user_id, org_id=orgs[person.org].id))
            session.add_all(
                Membership(user_id=user_id, org_id=teams[n].org_id, team_id=teams[n].id)
                for n in person.teams
            )
        return {_insert(job, user_ids, orgs, teams): job for job in world.jobs}


def _insert(job: Submitted, user_ids: list[int], orgs: list[Org], teams: list[Team]) -> int:
    moment = now()
    row = Job(
        key=uuid.uuid4().hex,
        name="a job",
        state=job.state,
        user_id=None if job.owner is None else user_ids[job.owner],
        org_id=None if job.org is None else orgs[job.org].id,
        team_id=None if job.team is None else teams[job.team].id,
        provider="never",
        trainer="fake_trainer",
        config_name="fake",
        config={"steps": 1},
        config_digest="0" * 64,
        queued_at=moment,
        completed_at=moment if job.state.is_final else None,
    )
    db.session.add(row)
    db.session.flush()
    events.emit("job.submitted", job=row)
    return row.id
