"""Why a job waits for people: how many of whom are missing is among the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo", "approvals"])


def test_the_missing_votes_are_told_and_a_vote_makes_them_fewer(
    as_user: Callable[..., Any],
) -> None:
    ada, lead, admin = (as_user(level) for level in ("researcher", "lead", "admin"))
    rule = {"name": "two", "condition": "provider", "threshold": "never", "quorum": 2}
    made = admin.post("/api/approvals/rules", json=rule)
    assert made.status_code == 201, made.json
    body = {"trainer": "fake_trainer", "config": {"steps": 3}}
    told = ada.post("/api/cloud/never/submit", json=body).json

    def held_by() -> list[str]:
        found = ada.get(f"/api/queue/{told['job_id']}/why").json
        assert [one["kind"] for one in found["smallest_changes"][0]] == ["approve"]
        return next(list(one["held_by"]) for one in found["gates"] if one["name"] == "Approval")

    assert held_by() == ["2 more of level lead or above"]
    number = told["approval_request_id"]
    assert lead.post(f"/api/approvals/{number}/approve", json={}).status_code == 200
    assert held_by() == ["1 more of level lead or above"]
    assert admin.post(f"/api/approvals/{number}/approve", json={}).status_code == 200
    found = ada.get(f"/api/queue/{told['job_id']}/why").json
    assert found["smallest_changes"] == [[]]
