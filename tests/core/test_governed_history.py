"""Everything that governs, at once: random rules, ceilings and access rules, random submissions.

A dry run says what the submission then meets and leaves the database as it was; afterwards the
whole record is decided again to the same answers.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, inspect, select

from st_core.db import db, unit_of_work
from st_core.models import Decision, Job
from st_core.services import decision_record, decisions
from tests.exam import Exam

PEOPLE = {"ada": "researcher", "bob": "researcher", "cora": "lead", "root": "admin"}
PROVIDERS = ("never", "slow", "instant")
#: Submissions between two changes of what governs.
ROUND = 12


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo", "approvals", "resource_rules", "quotas"])


@pytest.fixture
def clients(as_user: Callable[..., Any]) -> dict[str, Any]:
    return {name: as_user(level, name) for name, level in PEOPLE.items()}


def documents(drawn: Random) -> dict[str, dict[str, Any]]:
    """Draw what governs."""

    def mode() -> str:
        return drawn.choice(["enforce", "enforce", "shadow"])

    conditions = [("first_job", ""), ("daily_jobs_exceed", str(drawn.randint(1, 5)))]
    conditions += [("cost_exceeds", "0"), ("provider", drawn.choice(PROVIDERS))]
    rules = [
        {
            "name": f"rule {number}",
            "condition": condition,
            "threshold": threshold,
            "priority": drawn.randint(0, 3),
            "exempt_levels": drawn.choice([[], ["lead"]]),
            "mode": mode(),
        }
        for number, (condition, threshold) in enumerate(conditions)
        if drawn.random() < 0.5
    ]
    ceilings = [
        {
            "scope": scope,
            "name": name,
            "type": drawn.choice(["concurrent_jobs", "jobs_per_day"]),
            "limit": str(drawn.randint(1, 8)),
            "action": drawn.choice(["block", "warn", "notify", "require_approval"]),
            "mode": mode(),
        }
        for scope, name in (("user", "ada"), ("level", "researcher"), ("global", ""))
        if drawn.random() < 0.5
    ]
    access = [
        {
            "name": f"rule {number}",
            "resource_type": "provider",
            "levels": ["researcher"],
            "pattern": drawn.choice(PROVIDERS),
            "action": drawn.choice(["allow", "deny"]),
            "mode": mode(),
        }
        for number in range(drawn.randint(0, 2))
    ]
    return {
        "approvals": {"rules": rules},
        "quotas": {"ceilings": ceilings},
        "resource_rules": {"rules": access},
    }


def govern(app: Flask, drawn: Random) -> None:
    """Put other rules in force, and begin with an empty queue."""
    with app.app_context():
        known = decisions.policies()
        with unit_of_work(gate="submit"):
            db.session.execute(delete(Job))
            for name, document in documents(drawn).items():
                checked = known[name].schema.model_validate(document)
                known[name].apply(checked.model_dump(mode="json"))


def test_dry_run_and_submission_agree_and_the_whole_record_is_decided_again(
    app: Flask, clients: dict[str, Any], exam: Exam
) -> None:
    drawn, answers = exam.random, dict.fromkeys((201, 202, 403, 429), 0)
    for number in range(exam.count("submissions", 60, 10_000)):
        if number % ROUND == 0:
            govern(app, drawn)
        client = clients[drawn.choice(sorted(clients))]
        url = f"/api/cloud/{drawn.choice(PROVIDERS)}/submit"
        body = {
            "trainer": "fake_trainer",
            "config": {"steps": drawn.choice([1, 1, 1, -1])},
            "no_wait": drawn.random() < 0.1,
            "for_approval": drawn.random() < 0.1,
        }
        before = dump(app)
        dry = client.post(f"{url}?dry_run=true", json=body)
        assert dump(app) == before
        real = client.post(url, json=body)
        assert foretold(dry) == came(real), (dry.json, real.json)
        answers[real.status_code] = answers.get(real.status_code, 0) + 1
    with app.app_context():
        differing = [each for each in decision_record.replay_all() if not each.is_same]
        total = db.session.scalar(select(func.count(Decision.id)))
    assert differing == []
    exam.tell(f"answers {answers}; {total} decisions made again, none otherwise")


def dump(app: Flask) -> dict[str, Any]:
    """Return every table: how many rows it has, and the newest of them."""
    with app.app_context():
        present = inspect(db.engine).get_table_names()
        return {
            table.name: (
                db.session.scalar(select(func.count()).select_from(table)),
                db.session.execute(
                    select(table).order_by(*(each.desc() for each in table.primary_key)).limit(60)
                ).all(),
            )
            for table in db.metadata.sorted_tables
            if table.name in present
        }


def foretold(dry: Any) -> tuple[str, list[Any]]:
    """Return what a dry run says: the outcome, and the gates, of a refusal only its sentence."""
    if dry.status_code != 200:
        return "refused", [dry.json["detail"]]
    gates = [(one["name"], one["result"], one["verdict"]) for one in dry.json["gates"]]
    if dry.json["status"] == "would_refuse":
        return "refused", [dry.json["error"]]
    return {"would_queue": "queued", "would_ask": "pending_approval"}[dry.json["status"]], gates


def came(real: Any) -> tuple[str, list[Any]]:
    """Return the same of a submission."""
    if real.status_code >= 400:
        return "refused", [real.json["detail"]]
    gates = [(one["name"], one["result"], one["verdict"]) for one in real.json["gates"]]
    return real.json["status"], gates
