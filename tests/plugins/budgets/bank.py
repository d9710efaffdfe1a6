"""A bank: a server with an organisation, a team, people, and a provider whose price is in a job's
name."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import select

from st_core.contracts import Capability, Estimate, Hardware, Problem, Submission
from st_core.db import db, unit_of_work
from st_core.models import Event, Job, JobState
from st_core.services import jobs
from st_core.testing import people
from st_core.testing.fakes import NeverProvider
from st_core.testing.people import UserClient


class BankProvider(NeverProvider):
    """What a job costs stands in its name, as in `job $5`."""

    name = "bank"
    capabilities = frozenset({Capability.COSTS})

    def hardware(self) -> Sequence[Hardware]:
        """Offer one kind."""
        return [Hardware("vault", "Vault", count=8)]

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Find nothing wrong."""
        return ()

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return what the job's name says, or let others say."""
        words = (submission.name or "").split()
        usd = next((Decimal(word[1:]) for word in words if word.startswith("$")), None)
        return None if usd is None else Estimate(usd, "as it is named")


class HourlyProvider(BankProvider):
    """Tells no cost: it is charged by the hour."""

    name = "hourly"
    capabilities = frozenset()


class Bank:
    """One app with its people; what a method does goes through HTTP unless it says otherwise."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        providers = app.extensions["st"].providers
        providers["bank"], providers["hourly"] = BankProvider(), HourlyProvider()
        self.numbers: dict[str, int] = {}
        self.root = self.person("admin", "root")
        org = self.made("/api/orgs", "organization", name="Meridian", slug="meridian")
        team = self.made(f"/api/orgs/{org}/teams", "team", name="Speech", slug="speech")
        self.ann = self.person("researcher", "ann")
        body = {"user_id": self.numbers["ann"], "role": "member"}
        members = f"/api/orgs/{org}/teams/{team}/members"
        assert self.root.post(members, json=body).status_code == 201

    def person(self, level: str, name: str) -> UserClient:
        """Let somebody have an account; return the client that acts as them."""
        self.numbers[name] = people.make_user(self.app, level, name)
        return people.client_of(self.app, self.numbers[name])

    def made(self, url: str, what: str, **body: Any) -> int:
        """Make something; return its number."""
        answer = self.root.post(url, json=body)
        assert answer.status_code == 201, answer.text
        return int((answer.json or {})[what]["id"])

    def limit(self, scope: str, name: str, amount: float, **more: Any) -> dict[str, Any]:
        """Set a cost limit; return how it stands."""
        body = {"scope": scope, "name": name, "amount": amount, **more}
        answer = self.root.put("/api/cloud/cost-limits", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json or {})

    def ask(self, name: str, provider: str = "bank", **more: Any) -> Any:
        """Submit a job as Ann; return the answer."""
        body = {"config": {"steps": 1}, "trainer": "fake_trainer", "name": name, **more}
        return self.ann.post(f"/api/cloud/{provider}/submit", json=body)

    def submit(self, name: str, provider: str = "bank") -> int:
        """Submit a job that is admitted; return its number."""
        answer = self.ask(name, provider)
        assert answer.status_code in (201, 202), answer.text
        return int(answer.json["job_id"])

    def move(self, job_id: int, *states: JobState, cost_usd: str | None = None) -> None:
        """Move a job on, past HTTP; it has cost so much by then."""
        for state in states:
            with self.app.app_context(), unit_of_work(gate="dispatch"):
                job = jobs.lock(job_id)
                job.attempt += state is JobState.STARTING
                if cost_usd is not None and state is states[-1]:
                    job.cost_usd = Decimal(cost_usd)
                jobs.move(job, state)

    def end(self, job_id: int, cost_usd: str) -> None:
        """Let a queued job run and complete at that cost."""
        run = (JobState.STARTING, JobState.RUNNING, JobState.COMPLETED)
        self.move(job_id, *run, cost_usd=cost_usd)

    def status(self, **query: str) -> dict[str, Any]:
        """Return how a limit stands."""
        return self.read("/api/cloud/metrics/cost-limit-status", **query)

    def read(self, url: str, **query: str) -> dict[str, Any]:
        """Return the administrator's answer in JSON."""
        answer = self.root.get(url, query_string=query or None)
        assert answer.status_code == 200, answer.text
        return dict(answer.json or {})

    def events(self, name: str) -> int:
        """Return how many events of a name there are."""
        with self.app.app_context():
            return len(db.session.scalars(select(Event.id).where(Event.name == name)).all())

    def job(self, job_id: int) -> Job:
        """Return a job as it is now."""
        with self.app.app_context():
            return db.session.get_one(Job, job_id)
