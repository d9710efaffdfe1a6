"""A house: a server with an organisation, a team, people, and a provider that never ends."""

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


class HouseProvider(NeverProvider):
    """Runs on this machine; cost and seconds stand in the job's name, as in `job $5 60s`."""

    name = "house"
    capabilities = frozenset({Capability.LOCAL_FILES})

    def hardware(self) -> Sequence[Hardware]:
        """Offer a machine with eight GPUs, and one without."""
        return [Hardware("cpu", "CPU"), Hardware("gpu-big", "Big", count=8)]

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Find nothing wrong."""
        return ()

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return what the job's name says."""
        words = (submission.name or "").split()
        usd = next((Decimal(word[1:]) for word in words if word.startswith("$")), None)
        seconds = next((float(word[:-1]) for word in words if word.endswith("s")), None)
        return Estimate(usd, "as it is named", seconds=seconds)


class House:
    """One app with its people; what a method does goes through HTTP unless it says otherwise."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        app.extensions["st"].providers["house"] = HouseProvider()
        self.ids: dict[str, int] = {}
        self.root = self.person("admin", "root")
        self.org = self.made("/api/orgs", "organization", name="ML Research", slug="ml-research")
        self.team = self.made(f"{self.org_url}/teams", "team", name="NLP Team", slug="nlp")

    @property
    def org_url(self) -> str:
        """Return where the organisation is."""
        return f"/api/orgs/{self.org}"

    @property
    def team_url(self) -> str:
        """Return where the team is."""
        return f"{self.org_url}/teams/{self.team}"

    def person(self, level: str, name: str) -> UserClient:
        """Return a client of a new person."""
        self.ids[name] = people.make_user(self.app, level, name)
        return people.client_of(self.app, self.ids[name])

    def member(self, level: str, name: str, role: str = "member") -> UserClient:
        """Return a client of a new person in the team."""
        client = self.person(level, name)
        body = {"user_id": self.ids[name], "role": role}
        assert self.root.post(f"{self.team_url}/members", json=body).status_code == 201
        return client

    def made(self, url: str, key: str, **body: Any) -> int:
        """Make an organisation or a team and return its number."""
        answer = self.root.post(url, json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json[key]["id"])

    def ceiling(self, kind: str, limit: float, action: str = "block", **who: Any) -> dict[str, Any]:
        """Set a ceiling and return it."""
        body = {"quota_type": kind, "limit_value": limit, "action": action, **who}
        answer = self.root.post("/api/quotas", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def submit(self, by: UserClient, name: str = "job", gpus: int = 0, **asked: Any) -> Any:
        """Submit a job and return the answer."""
        hardware = "gpu-big" if gpus else "cpu"
        body = {"trainer": "fake_trainer", "config": {"steps": 1}, "name": name}
        body |= {"hardware_profile": hardware, "gpu_count": gpus}
        return by.post("/api/cloud/house/submit", json=body | asked)

    def admitted(self, by: UserClient, name: str = "job", gpus: int = 0, **asked: Any) -> int:
        """Submit a job that must be admitted; return its number."""
        answer = self.submit(by, name, gpus, **asked)
        assert answer.status_code in (201, 202), answer.text
        return int(answer.json["job_id"])

    def move(self, number: int, *states: JobState, cost: str | None = None) -> None:
        """Move a job by the core's own function; `cost` is recorded before the last move."""
        for state in states:
            with self.app.app_context(), unit_of_work(gate="dispatch"):
                job = jobs.lock(number)
                if state is JobState.STARTING:
                    job.attempt += 1
                if cost is not None and state.is_final:
                    job.cost_usd = Decimal(cost)
                jobs.move(job, state)

    def run(self, number: int, cost: str | None = None) -> None:
        """Let a job start and complete."""
        self.move(number, JobState.STARTING, JobState.RUNNING, JobState.COMPLETED, cost=cost)

    def cancel(self, number: int) -> None:
        """Cancel a waiting job."""
        assert self.root.post(f"/api/cloud/jobs/{number}/cancel").status_code == 200

    def me(self, client: UserClient) -> dict[str, dict[str, Any]]:
        """Return where somebody stands, by type."""
        return {one["quota_type"]: one for one in client.get("/api/quotas/me").json["statuses"]}

    def events(self, name: str) -> list[Event]:
        """Return the events of a name, oldest first."""
        with self.app.app_context():
            query = select(Event).where(Event.name == name).order_by(Event.id)
            return list(db.session.scalars(query))

    def forget(self) -> None:
        """Let all jobs, what they used, and every ceiling be gone."""
        from st_quotas.models import QuotasCeiling, QuotasUse

        with self.app.app_context(), unit_of_work(gate="submit"):
            for table in (QuotasUse, QuotasCeiling, Job):
                db.session.execute(db.delete(table))
