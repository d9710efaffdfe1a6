"""Ceilings and money under load: never one over, no place and no cent left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from st_budgets import ledger
from st_budgets import reconciling as money
from st_budgets.models import BudgetsHold, BudgetsPosting
from st_quotas import reconciling
from st_quotas.models import QuotasUse

from st_core.boot import shut_down
from st_core.db import db
from st_core.models import Job, JobState
from st_core.testing.database_fixtures import Database, build_app
from st_core.testing.databases import dispose
from st_core.testing.paid_account import Account
from st_core.testing.server import ServerProcess
from tests.exam import Exam

from .traffic import Traffic, service_accounts

pytestmark = pytest.mark.slow
PLUGINS = ["zoo", "paid", "quotas", "budgets"]
PEOPLE = 8
#: What the organisation, its team and each person may have at the same time.
AT_ONCE = {"org": 12, "team": 8, "user": 3}
PRICE = Decimal("1.20")  # 60 steps of a minute on the small machine


class Office:
    """What a run leaves in the database, and the most that was ever seen there."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.most = dict.fromkeys(AT_ONCE, 0)

    def look(self) -> None:
        """Note how much is held just now, as one moment of the database shows it."""
        columns = {"org": QuotasUse.org_id, "team": QuotasUse.team_id, "user": QuotasUse.user_id}
        with self.app.app_context():
            for scope, column in columns.items():
                of = select(func.count()).where(QuotasUse.ended_at.is_(None), column.is_not(None))
                counts = db.session.scalars(of.group_by(column)).all()
                self.most[scope] = max([self.most[scope], *counts])

    def open_jobs(self) -> int:
        """Return how many jobs have not ended."""
        ended = [state for state in JobState if state.is_final]
        with self.app.app_context():
            return (
                db.session.scalar(
                    select(func.count()).select_from(Job).where(Job.state.not_in(ended))
                )
                or 0
            )


def test_no_ceiling_is_ever_passed_and_nothing_is_left_behind(
    database: Database, server: Callable[..., ServerProcess], exam: Exam
) -> None:
    asked = exam.count("submissions", 80, 10_000)
    clients, processes = exam.count("clients", 8, 64), exam.count("processes", 2, 4)
    kills = exam.count("kills", 1, 100)
    budget = PRICE * (asked // 3)  # money for a third of what is asked, to the cent
    running = server(
        "--processes",
        str(processes),
        plugins=PLUGINS,
        rate_limit__calls=0,
        queue__max_concurrent=50,
    )
    account = Account(running.state_dir / "paid")
    account.change(demands_key=False, speed=1e9)
    running.start()
    root, ids, keys = service_accounts(running, PEOPLE)
    _ceilings(root, ids, budget)

    url = database.urls[-1] if database.urls else f"sqlite:///{running.state_dir}/app.db"
    app = build_app(PLUGINS, url)
    office = Office(app)
    traffic = Traffic(running, keys, asked, kills)
    traffic.run(clients, office.look)
    _until(lambda: office.open_jobs() == 0)
    running.end()

    exam.tell(f"{traffic.answers}, at most {office.most}, {traffic.killed} kills")
    assert traffic.wrong == [], running.output()
    assert all(office.most[scope] <= AT_ONCE[scope] for scope in AT_ONCE), office.most
    _judge(app, traffic, account, budget)
    shut_down(app)
    dispose(app)


def _ceilings(root: Any, ids: list[int], budget: Decimal) -> None:
    """Put everybody into two teams of an organisation, and set a ceiling of each kind."""
    named = {"name": "Load", "slug": "load"}
    org = root.post("/api/orgs", json=named).json()["organization"]["id"]
    teams = [
        root.post(f"/api/orgs/{org}/teams", json={"name": slug, "slug": slug}).json()["team"]["id"]
        for slug in ("first", "second")
    ]
    for number, user_id in enumerate(ids):
        body = {"user_id": user_id, "role": "member"}
        path = f"/api/orgs/{org}/teams/{teams[number % 2]}/members"
        assert root.post(path, json=body).status_code == 201
    wanted: list[tuple[str, Any, dict[str, int]]] = [
        ("cost_daily", str(budget + 1), {"org_id": org}),
        ("concurrent_jobs", AT_ONCE["org"], {"org_id": org}),
    ]
    wanted += [("concurrent_jobs", AT_ONCE["team"], {"team_id": team}) for team in teams]
    wanted += [("concurrent_jobs", AT_ONCE["user"], {"user_id": user_id}) for user_id in ids]
    for kind, limit, who in wanted:
        body = {"quota_type": kind, "limit_value": limit, "action": "block", **who}
        answer = root.post("/api/quotas", json=body)
        assert answer.status_code == 201, answer.text
    money_limit = {"scope": "provider", "name": "paid", "amount": float(budget), "action": "block"}
    answer = root.put("/api/cloud/cost-limits", json=money_limit)
    assert answer.status_code == 200, answer.text


def _judge(app: Flask, traffic: Traffic, account: Account, budget: Decimal) -> None:
    """Compare what clients were told, what the database says, and what the provider billed."""
    with app.app_context():
        jobs = db.session.execute(
            select(Job.id, Job.state, Job.cost_usd, Job.idempotency_key)
        ).all()
        held = db.session.scalar(
            select(func.count()).select_from(QuotasUse).where(QuotasUse.ended_at.is_(None))
        )
        used = db.session.scalar(select(func.sum(QuotasUse.cost_usd))) or Decimal(0)
        report = reconciling.reconcile(repair=False)
        books = ledger.balances()
        holds = db.session.scalar(select(func.count()).select_from(BudgetsHold))
        postings = db.session.scalar(select(func.sum(BudgetsPosting.amount_usd)))
        wrong = [*money.unbalanced(), *money.reconcile(repair=False)]
    assert held == 0
    assert report.wrong == 0, report.sentence()
    admitted = {job.idempotency_key: str(job.id) for job in jobs}
    assert len(admitted) == len(jobs)  # no submission became two jobs
    assert traffic.told.items() <= admitted.items()  # no promised job is lost
    assert admitted.keys() - traffic.told.keys() <= traffic.resent
    assert {job.state for job in jobs} <= {JobState.COMPLETED}
    billed = sum((job.cost_usd or Decimal(0) for job in jobs), Decimal(0))
    assert billed == used == account.bill() == books["spent"] <= budget
    assert (postings, books["held"], holds, wrong) == (0, 0, 0, [])


def _until(ready: Callable[[], bool], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"nothing happened within {seconds:.0f} s"
        time.sleep(0.2)
