"""From findings to demands: what the rules say of one submission, as the pipeline takes it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from st_core.clock import now
from st_core.contracts import Demand, Finding, Submission
from st_core.db import db
from st_core.services import decisions
from st_core.services import policy as memory

from .models import ApprovalsRule
from .policy import ApprovalPolicy

POLICY = ApprovalPolicy()


def of(submission: Submission) -> list[Demand]:
    """Return a demand per rule that matches, the one that triggers first."""
    found = decisions.ask(POLICY, submission)
    if not found:
        return []
    numbers = memory.remembered("approval rules by name", _numbers)
    return [_demand(finding, numbers.get(finding.rule)) for finding in found]


def _demand(finding: Finding, rule_id: int | None) -> Demand:
    hours = finding.details["lifetime_hours"]
    return Demand(
        reason=finding.text,
        approver_level=finding.details["approver_level"],
        rule_id=rule_id,
        expires_at=now() + timedelta(hours=hours) if hours else None,
        rule=finding.rule,
        quorum=finding.details["quorum"],
    )


def _numbers() -> dict[str, int]:
    rows = db.session.execute(select(ApprovalsRule.name, ApprovalsRule.id))
    return {name: number for name, number in rows}
