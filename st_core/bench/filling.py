"""Filling: many users and many jobs written straight into the tables, as a large server would hold
them."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import Flask
from sqlalchemy import func, insert, select, update

from ..clock import now
from ..db import db, table_of, unit_of_work
from ..models import Job, JobState, Level, Membership, Org, Team, User
from ..services import api_keys

BATCH = 5000


def people(app: Flask, count: int) -> list[int]:
    """Insert users until there are `count`; return their ids."""
    with app.app_context():
        have = db.session.scalar(select(func.count(User.id))) or 0
        with unit_of_work():
            db.session.execute(
                insert(table_of(User)),
                [
                    {"email": f"p{number}@example.org", "username": f"person-{number}"}
                    for number in range(have, count)
                ]
                or [{"email": "x@example.org", "username": f"person-{have}"}],
            )
        return list(db.session.scalars(select(User.id).order_by(User.id)))


def jobs(app: Flask, count: int, state: JobState, user_ids: list[int], provider: str) -> None:
    """Insert `count` jobs in `state`, spread over the users, entered one second apart."""
    moment = now() - timedelta(days=2)
    ended = moment if state.is_final else None
    with app.app_context():
        for first in range(0, count, BATCH):
            rows = [
                {
                    "key": uuid.uuid4().hex,
                    "name": f"job {number}",
                    "state": state,
                    "user_id": user_ids[number % len(user_ids)],
                    "provider": provider,
                    "trainer": "fake_trainer",
                    "hardware": "fake-1",
                    "config_name": f"config-{number % 50}",
                    "config": {"steps": 1},
                    "config_digest": "0" * 64,
                    "created_at": moment + timedelta(seconds=number),
                    "queued_at": moment + timedelta(seconds=number),
                    "started_at": ended,
                    "completed_at": ended,
                }
                for number in range(first, min(first + BATCH, count))
            ]
            with unit_of_work():
                db.session.execute(insert(table_of(Job)), rows)


def a_lead(app: Flask) -> str:
    """Insert an organisation with one team and a lead in both; return an API key of the lead."""
    with app.app_context():
        with unit_of_work() as session:
            org = Org(name="Everybody", slug="everybody")
            lead = User(
                username="a-lead",
                email="lead@example.org",
                levels=[session.scalars(select(Level).where(Level.name == "lead")).one()],
            )
            session.add_all([org, lead])
            session.flush()
            team = Team(org_id=org.id, name="Half", slug="half")
            session.add_all([team, Membership(user_id=lead.id, org_id=org.id)])
            session.flush()
            session.add(Membership(user_id=lead.id, org_id=org.id, team_id=team.id, role="admin"))
            number = lead.id
        _, key = api_keys.create(number, "bench")
        return key


def hand_over(app: Flask) -> None:
    """Let every job belong to the organisation, and each second one to its team."""
    with app.app_context(), unit_of_work() as session:
        org_id, team_id = session.execute(select(Team.org_id, Team.id)).one()
        session.execute(update(Job).values(org_id=org_id))
        session.execute(update(Job).where(Job.id % 2 == 0).values(team_id=team_id))
