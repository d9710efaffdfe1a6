"""An office: a server with rules, people who submit and people who decide."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import select

from st_core.contracts import Estimate, Hardware, Problem, Submission
from st_core.db import db, unit_of_work
from st_core.models import Event, Job
from st_core.testing import people
from st_core.testing.fakes import NeverProvider
from st_core.testing.people import UserClient

RULES = "/api/approvals/rules"
REQUESTS = "/api/approvals/requests"
HIGH_COST = {
    "name": "high_cost",
    "condition": "cost_exceeds",
    "threshold": "50",
    "required_approver_level": "lead",
    "exempt_levels": ["admin"],
}


class PricedProvider(NeverProvider):
    """Takes any hardware; a job costs what its config's `price` says, else nobody knows."""

    name = "priced"

    def hardware(self) -> Sequence[Hardware]:
        """Offer two kinds."""
        return [Hardware("cheap-1", "Cheap"), Hardware("gpu-a100-80gb", "A100")]

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Find nothing wrong."""
        return ()

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return the price that stands in the job's name."""
        _, _, price = (submission.name or "").partition("$")
        return Estimate(Decimal(price), "as it is named") if price else None


class Office:
    """One app with its people; every method but `rows` goes through HTTP."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        app.extensions["st"].providers["priced"] = PricedProvider()
        self.root = self.person("admin", "root")
        self.lea = self.person("lead", "lea")
        self.mei = self.person("researcher", "mei")

    def person(self, level: str, name: str) -> UserClient:
        """Return a client of a new person."""
        client = people.client_of(self.app, people.make_user(self.app, level, name))
        client.username = name  # type: ignore[attr-defined]
        return client

    def rule(self, **changes: Any) -> dict[str, Any]:
        """Make a rule and return it; without anything said it asks for every price over $50."""
        answer = self.root.post(RULES, json=HIGH_COST | changes)
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def submit(self, by: UserClient, price: str | None = None, **asked: Any) -> Any:
        """Submit a job and return the answer."""
        body = {"trainer": "fake_trainer", "config": {"steps": 1}, "hardware_profile": "cheap-1"}
        named = {"name": f"job ${price}"} if price else {}
        return by.post("/api/cloud/priced/submit", json=body | named | asked)

    def asked(self, by: UserClient | None = None, price: str = "99", **asked: Any) -> int:
        """Submit a job that needs approval and return the number of its request."""
        answer = self.submit(by or self.mei, price, **asked)
        assert (answer.status_code, answer.json["status"]) == (202, "pending_approval"), answer.text
        return int(answer.json["approval_request_id"])

    def request(self, request_id: int) -> dict[str, Any]:
        """Return a request as an administrator sees it."""
        return dict(self.root.get(f"{REQUESTS}/{request_id}").json)

    def status(self, job_id: int | str) -> str:
        """Return the status of a job."""
        return str(self.root.get(f"/api/cloud/jobs/{job_id}").json["status"])

    def decide(self, by: UserClient, request_id: int, verdict: str, **body: Any) -> Any:
        """Approve or reject a request and return the answer."""
        said = {"reason": "too dear"} if verdict == "reject" else {}
        return by.post(f"{REQUESTS}/{request_id}/{verdict}", json=said | body)

    def grant(self, username: str, permission: str, granted: bool = True) -> None:
        """Give somebody one permission, or take it."""
        user_id = self.user_id(username)
        body = {"permission_name": permission, "granted": granted}
        assert self.root.post(f"/api/users/{user_id}/permissions", json=body).status_code < 300

    def user_id(self, username: str) -> int:
        """Return somebody's number."""
        users = self.root.get("/api/users").json["users"]
        return int(next(user["id"] for user in users if user["username"] == username))

    def events(self, name: str) -> list[Event]:
        """Return the events of a name, oldest first."""
        with self.app.app_context():
            return list(
                db.session.scalars(select(Event).where(Event.name == name).order_by(Event.id))
            )

    def forget(self) -> None:
        """Let all jobs be gone, and every rule."""
        for rule in self.root.get(RULES).json["rules"]:
            self.root.delete(f"{RULES}/{rule['id']}")
        with self.app.app_context(), unit_of_work():
            db.session.execute(Job.__table__.delete())
