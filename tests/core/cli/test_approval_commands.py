"""`simpletuner jobs approval …` against a real server with one person."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from st_core.testing.server import ServerProcess
from tests.core.cli.conftest import SHORT, Ended

Run = Callable[..., Ended]
SELF_APPROVAL = "approvals.allow_self_approval"


@pytest.fixture
def approval(run: Run) -> Run:
    """Run `simpletuner jobs approval …`."""
    return lambda *words: run("jobs", "approval", *words)


@pytest.fixture
def alone(running: ServerProcess) -> Iterator[None]:
    """Let the only person approve their own jobs."""

    def allow(value: bool) -> None:
        body = {"settings": {SELF_APPROVAL: value}}
        httpx.patch(f"{running.base_url}/api/settings", json=body).raise_for_status()

    allow(True)
    yield
    allow(False)


def asked(run: Run, approval: Run) -> str:
    """Submit a job that asks for approval; return the number of its request."""
    made = run("jobs", "submit", "digits", *SHORT, "--for-approval", "--format", "json")
    assert made.code == 0, made.err
    (request,) = approval("pending", "--format", "json").json["requests"]
    assert request["status"] == "pending"
    return str(request["id"])


def test_what_waits_is_listed_shown_and_taken_back(run: Run, approval: Run) -> None:
    request_id = asked(run, approval)
    assert request_id in approval("list", "-s", "pending").out
    shown = approval("get", request_id, "--format", "json").json
    assert shown["reason"] == "the submitter asked for approval"
    refused = approval("approve", request_id)
    assert refused.code != 0
    assert "own job" in refused.err
    assert approval("cancel", request_id).code == 0
    assert approval("pending", "--format", "json").json["requests"] == []


def test_a_request_is_rejected_with_a_reason(run: Run, approval: Run, alone: None) -> None:
    request_id = asked(run, approval)
    assert approval("reject", request_id).code == 2
    assert "is rejected" in approval("reject", request_id, "-r", "too dear").err
    assert approval("get", request_id, "--format", "json").json["review_notes"] == "too dear"


def test_a_request_is_approved(run: Run, approval: Run, alone: None) -> None:
    request_id = asked(run, approval)
    assert "is approved" in approval("approve", request_id, "-r", "go").err


def test_rules_are_listed(running: ServerProcess, approval: Run) -> None:
    rule = {"name": "dear", "condition": "cost_exceeds", "threshold": "50", "is_active": False}
    made = httpx.post(f"{running.base_url}/api/approvals/rules", json=rule).json()
    assert approval("rules", "--format", "json").json["rules"][0]["name"] == "dear"
    assert approval("rules", "--active-only", "--format", "json").json["rules"] == []
    httpx.delete(f"{running.base_url}/api/approvals/rules/{made['id']}")


def test_somebody_decides_in_one_s_place_only_if_there_is_such_a_person(approval: Run) -> None:
    refused = approval("delegate", "nobody-here", "2026-12-01")
    assert refused.code != 0
