"""Many submit at once, on both databases: never one too many."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from st_quotas import reconciling

from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import QuotaExceeded
from st_core.models import JobState, User
from st_core.services import submission, users
from st_core.testing import people
from st_core.testing.database_fixtures import Database
from tests.exam import Exam

from .house import House

ROOM = 5


def test_a_race_for_the_last_places_is_never_lost_by_the_ceiling(
    database: Database, make_app: Callable[..., Flask], exam: Exam
) -> None:
    app = make_app(plugins=["quotas", "zoo"], auth__mode="team", rate_limit__calls=0)
    house = House(app)
    house.ceiling("concurrent_jobs", ROOM, org_id=house.org)
    house.ceiling("cost_daily", ROOM * 3, org_id=house.org)
    for name in ("ann", "bob", "cyd"):
        house.member("researcher", name)
    viewers = [people.viewer_of(app, house.ids[name]) for name in ("ann", "bob", "cyd")]
    for _ in range(exam.count("rounds", 2, 50)):
        with ThreadPoolExecutor(12) as pool:
            numbers = list(pool.map(lambda n: submit(app, viewers[n % 3]), range(24)))
        admitted = [number for number in numbers if number is not None]
        assert len(admitted) == ROOM
        with app.app_context():
            report = reconciling.reconcile(repair=False)
            assert (report.open, report.wrong) == (ROOM, 0)
        with ThreadPoolExecutor(ROOM) as pool:
            list(pool.map(lambda number: house.move(number, JobState.CANCELLED), admitted))
        with app.app_context():
            assert reconciling.reconcile(repair=False).open == 0


def submit(app: Flask, viewer: Viewer) -> int | None:
    """Submit a job; return its number, None when a ceiling refused it."""
    draft = submission.Draft(
        provider="house", trainer="fake_trainer", config={"steps": 1}, name="job $3", hardware="cpu"
    )
    with app.app_context():
        fresh = users.viewer_of(db.session.get_one(User, viewer.user_id), "session")
        try:
            return submission.submit(fresh, draft).job.id
        except QuotaExceeded:
            return None
