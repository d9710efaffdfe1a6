"""Greet jobs, and show what they were told."""

from sqlalchemy import select

from st_core.contracts import Section
from st_core.db import db, unit_of_work
from st_core.models import Job
from st_core.services import settings

from .models import Greeting


def greet(event_id: int, job_id: int) -> None:
    """Command: tell a completed job the greeting, once per event however often it is delivered."""
    with unit_of_work():
        if db.session.get(Greeting, event_id) is None and db.session.get(Job, job_id):
            text = settings.value("hello.greeting")
            db.session.add(Greeting(event_id=event_id, job_id=job_id, text=text))


def said(job_ids: list[int] | None = None, limit: int = 100) -> list[Greeting]:
    """Return the newest greetings, of these jobs alone when they are named."""
    query = select(Greeting).order_by(Greeting.event_id.desc()).limit(limit)
    if job_ids is not None:
        query = query.where(Greeting.job_id.in_(job_ids))
    return list(db.session.scalars(query))


def section(job: Job) -> Section:
    """Return the panel of the job page."""
    texts = [each.text for each in said([job.id])]
    return Section("hello/panel.html", {"texts": texts}, title="Greetings")
