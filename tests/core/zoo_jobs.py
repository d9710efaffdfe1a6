"""Jobs of the zoo for tests: submitted, put into a state, looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import select, update

from st_core.contracts import JobState, Viewer
from st_core.db import db, unit_of_work
from st_core.models import Attempt, Event, Job
from st_core.services import submission, workspaces

T = TypeVar("T")


def draft(**asked: Any) -> submission.Draft:
    """Return a draft for the zoo's instant provider unless `asked` says otherwise."""
    whole = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}} | asked
    return submission.Draft(**whole)


def submit(app: Flask, viewer: Viewer, **asked: Any) -> int:
    """Submit a job and return its number."""
    with app.app_context():
        return submission.submit(viewer, draft(**asked)).job.id


def put(app: Flask, job_id: int, state: JobState) -> None:
    """Write a state past the table of moves, as nothing but a test may."""
    with app.app_context(), unit_of_work():
        db.session.execute(update(Job).where(Job.id == job_id).values(state=state))


def change(app: Flask, job_id: int, **values: Any) -> None:
    """Write columns of a job."""
    with app.app_context(), unit_of_work():
        db.session.execute(update(Job).where(Job.id == job_id).values(values))


def change_attempts(app: Flask, **values: Any) -> None:
    """Write columns of every attempt that has not ended."""
    with app.app_context(), unit_of_work():
        db.session.execute(update(Attempt).where(Attempt.ended_at.is_(None)).values(values))


def job(app: Flask, job_id: int) -> Job:
    """Return a job as it is now."""
    with app.app_context():
        return db.session.get_one(Job, job_id)


def states(app: Flask) -> dict[int, JobState]:
    """Return the state of every job."""
    with app.app_context():
        return {job_id: state for job_id, state in db.session.execute(select(Job.id, Job.state))}


def attempts(app: Flask, job_id: int) -> list[Attempt]:
    """Return the attempts of a job, oldest first."""
    with app.app_context():
        query = select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.number)
        return list(db.session.scalars(query))


def names_of_events(app: Flask, job_id: int) -> list[str]:
    """Return the names of a job's events in their order."""
    with app.app_context():
        query = select(Event.name).where(Event.job_id == job_id).order_by(Event.id)
        return list(db.session.scalars(query))


def starts(app: Flask, job_id: int) -> list[str]:
    """Return the keys of the attempts that the provider really started."""
    with app.app_context():
        path = workspaces.of(db.session.get_one(Job, job_id)) / "starts"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def at_once(works: Iterable[Callable[[], T]]) -> list[T | Exception]:
    """Call all in threads of their own, and return what each returned or raised."""
    calls = list(works)

    def call(work: Callable[[], T]) -> T | Exception:
        try:
            return work()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))
