"""Approval rules as a policy: their document, the figures they need, and the pure decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import and_, func, or_, select

from st_core.contracts import Asked, Facts, Finding
from st_core.db import db
from st_core.models import Job

from . import rules
from .conditions import CONDITIONS, DAILY_JOBS, HAS_EARLIER_JOB
from .models import ApprovalsRule

DAY = timedelta(days=1)


class RuleDocument(BaseModel):
    """One rule as it is written."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=500)
    condition: str = Field(max_length=30)
    threshold: str = Field("", max_length=200)
    is_active: bool = True
    mode: Literal["enforce", "shadow"] = "enforce"
    priority: int = Field(0, ge=-1_000_000, le=1_000_000)
    applies_to_provider: str | None = Field(None, max_length=50)
    applies_to_level: str | None = Field(None, max_length=50)
    exempt_levels: list[str] = Field([], max_length=50)
    required_approver_level: str = Field("lead", max_length=50)
    quorum: int = Field(1, ge=1, le=20)
    lifetime_hours: int | None = Field(None, ge=1, le=8760)


class ApprovalDocument(BaseModel):
    """Every approval rule, in the order in which they are tried."""

    model_config = ConfigDict(extra="forbid")

    rules: list[RuleDocument] = []


class ApprovalPolicy:
    """What people must approve."""

    name = "approvals"
    title = "Approval rules"
    schema: type[BaseModel] = ApprovalDocument

    def document(self) -> dict[str, Any]:
        """Return every rule, in the order in which they are tried."""
        query = select(ApprovalsRule).order_by(ApprovalsRule.priority.desc(), ApprovalsRule.id)
        return {"rules": [rules.described(rule) for rule in db.session.scalars(query)]}

    def facts(self, document: Mapping[str, Any], asked: Asked, at: datetime) -> dict[str, Any]:
        """Return how many jobs the person had submitted by then, as far as a rule asks."""
        tried = [rule for rule in document["rules"] if _is_tried(rule, asked)]
        known: dict[str, Any] = {}
        if most := [int(r["threshold"]) for r in tried if r["condition"] == "daily_jobs_exceed"]:
            known[DAILY_JOBS] = _daily_jobs(asked, at, max(most))
        if any(rule["condition"] == "first_job" for rule in tried):
            known[HAS_EARLIER_JOB] = _has_earlier_job(asked, at)
        return known

    def decide(self, document: Mapping[str, Any], asked: Asked, facts: Facts) -> Sequence[Finding]:
        """Return a finding per rule that matches, in the order in which they are tried: the first
        triggers the demand, the later ones can make it stricter."""
        return [
            _finding(rule, asked)
            for rule in document["rules"]
            if _is_tried(rule, asked)
            and CONDITIONS[rule["condition"]].holds(rule["threshold"], asked, facts)
        ]

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: make the rules those of `document`. Raises SetTimeRule for one that cannot be."""
        rules.replace_all([dict(rule) for rule in document["rules"]])


def _is_tried(rule: Mapping[str, Any], asked: Asked) -> bool:
    """Tell whether a rule is about such a submission; an exempt one's next rule is tried."""
    levels = set(asked["levels"])
    return (
        rule["is_active"]
        and rule["applies_to_provider"] in (None, asked["provider"])
        and (rule["applies_to_level"] is None or rule["applies_to_level"] in levels)
        and not levels & set(rule["exempt_levels"])
    )


def _finding(rule: Mapping[str, Any], asked: Asked) -> Finding:
    return Finding(
        rule=rule["name"],
        effect="require_approval",
        text=CONDITIONS[rule["condition"]].text(rule["threshold"], asked),
        shadow=rule["mode"] == "shadow",
        details={
            "approver_level": rule["required_approver_level"],
            "quorum": rule["quorum"],
            "lifetime_hours": rule["lifetime_hours"],
        },
    )


def _daily_jobs(asked: Asked, at: datetime, most: int) -> int:
    """Return how many jobs the person submitted in the 24 hours before `at`, counted to `most`:
    read from the newest on, whatever the length of the history."""
    newest = (
        select(Job.created_at)
        .where(Job.user_id == asked["user_id"], Job.created_at < at, _another(asked))
        .order_by(Job.id.desc())
        .limit(most)
        .subquery()
    )
    count = select(func.count()).where(newest.c.created_at >= at - DAY)
    return db.session.scalar(count) or 0


def _has_earlier_job(asked: Asked, at: datetime) -> bool:
    """Tell whether an earlier job of the person counts: one that was cancelled before it entered
    the queue does not, or refusing the first would free the second."""
    let_in = or_(Job.queued_at.is_not(None), Job.completed_at.is_(None), Job.completed_at >= at)
    query = select(Job.id).where(
        Job.user_id == asked["user_id"],
        Job.created_at < at,
        or_(and_(_another(asked), let_in), Job.attempt > 0),
    )
    return db.session.scalar(query.limit(1)) is not None


def _another(asked: Asked) -> Any:
    """Return the SQL for jobs other than the one that walks through the gates once more."""
    return Job.id != (asked.get("again_of") or 0)
