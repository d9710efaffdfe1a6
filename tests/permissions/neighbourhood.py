"""Whose job it is: people of every level, a mate, a stranger of the organisation, a foreigner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask

from st_core.contracts import Viewer
from st_core.db import db, unit_of_work
from st_core.models import Membership, Org, Team
from st_core.testing import people
from tests.core import zoo_jobs

from .expected import LEVELS, OnJob, on_jobs, permissions_of, routes

WHOSE = ("own", "team", "other", "foreign")


class Neighbourhood:
    """One organisation with a team, somebody of each level in it, a mate, a stranger of the same
    organisation, and one of another."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context(), unit_of_work():
            orgs = [Org(name=name, slug=name) for name in ("here", "there")]
            db.session.add_all(orgs)
            db.session.flush()
            team = Team(org_id=orgs[0].id, name="team", slug="team")
            db.session.add(team)
            db.session.flush()
            self._here, self._there, self._team = orgs[0].id, orgs[1].id, team.id
        self.callers = {level: self._join(level, level, team=True) for level in LEVELS}
        self.clients = {level: people.client_of(app, one) for level, one in self.callers.items()}
        self.submitters = {
            "team": self._join("researcher", "mate", team=True),
            "other": self._join("researcher", "stranger", team=False),
            "foreign": self._join("researcher", "foreigner", team=False, org=self._there),
        }
        self._untouched: dict[int, int] = {}

    def job(self, level: str, whose: str) -> int:
        """Return a job, untouched so far, of the caller of this level, or of who is meant."""
        owner = self.callers[level] if whose == "own" else self.submitters[whose]
        if owner not in self._untouched:
            self._untouched[owner] = self._submitted_by(people.viewer_of(self.app, owner))
        return self._untouched[owner]

    def touched(self, job_id: int) -> None:
        """Note that somebody may have changed a job: the next one asks about another."""
        self._untouched = {owner: job for owner, job in self._untouched.items() if job != job_id}

    def _submitted_by(self, who: Viewer) -> int:
        with self.app.app_context():
            may = Viewer(
                **{**vars(who), "permissions": who.permissions | {"job.submit"}}
            )  # a viewer's own job is from the days when they were more
        return zoo_jobs.submit(self.app, may, provider="never")

    def _join(self, level: str, name: str, *, team: bool, org: int | None = None) -> int:
        user_id = people.make_user(self.app, level, f"{name}-here")
        with self.app.app_context(), unit_of_work():
            place = org or self._here
            db.session.add(Membership(user_id=user_id, org_id=place, role="member"))
            if team:
                db.session.add(
                    Membership(user_id=user_id, org_id=place, team_id=self._team, role="member")
                )
        return user_id


def statuses(on: OnJob, level: str, whose: str) -> set[int] | None:
    """Return the answers that are right, None when it is anything but a refusal."""
    held = permissions_of(level)
    if whose == "foreign" and level != "admin":
        return {403, 404}
    if set(on.needs["other" if whose == "foreign" else whose].split(" or ")) & held:
        return None
    visible = whose != "other" or "job.view.all" in held
    at_all = any(
        set(route.alternatives) & held
        for route in routes()
        if (route.path, route.method) == (on.path, on.method)
    )
    return {403} if visible or not at_all else {404}


def cells() -> list[tuple[OnJob, str, str]]:
    """Return every cell: a route, the caller's level, and whose job."""
    return [(on, level, whose) for on in on_jobs() for level in LEVELS for whose in WHOSE]


#: What is sent, so that a request is turned down for its rights alone.
BODIES: dict[str, dict[str, Any]] = {"GET": {}, "PATCH": {"json": {"name": "another name"}}}


def wrong_cells(place: Neighbourhood) -> Iterator[str]:
    """Ask in every cell; tell of each answer that is not right."""
    for on, level, whose in cells():
        job_id = place.job(level, whose)
        path = on.path.replace("{job_id}", str(job_id))
        body = BODIES.get(on.method, {"json": {"reason": "no"}})
        status = place.clients[level].open(path, method=on.method, **body).status_code
        if on.method != "GET" and status not in (401, 403, 404):
            place.touched(job_id)
        right = statuses(on, level, whose)
        if status not in right if right else status in (401, 403, 404):
            yield f"{on.method} {on.path}, {level}, {whose}: {status}, not {right}"
