"""Decisions: asking the policies about a submission, and the record from which each can be decided
again.

Words: a *note* is one policy's part of a decision: its document's digest, its facts, its findings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import insert

from ..clock import now
from ..contracts import Finding, Policy, Submission
from ..db import assert_unit_of_work, db, table_of, upsert
from ..models import Decision, PolicyDocument
from . import policy as memory
from . import scopes

_INSERT = insert(table_of(Decision))


@dataclass(frozen=True)
class Note:
    """What one policy said of one submission, and what it knew."""

    policy: str
    digest: str
    document: Mapping[str, Any]
    facts: Mapping[str, Any]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the note as it is recorded; the document stands elsewhere, once."""
        return {
            "policy": self.policy,
            "digest": self.digest,
            "facts": dict(self.facts),
            "findings": [asdict(finding) for finding in self.findings],
        }


@dataclass
class Notes:
    """The notes of one submission, all taken as of one moment."""

    at: datetime = field(default_factory=now)
    asked: dict[str, Any] = field(default_factory=dict)
    taken: dict[str, Note] = field(default_factory=dict)


_NOTES: ContextVar[Notes | None] = ContextVar("st_decision_notes", default=None)


@contextmanager
def noting() -> Iterator[Notes]:
    """Gather what policies are asked meanwhile."""
    notes = Notes()
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def policies() -> dict[str, Policy]:
    """Return every policy by name, in the order of the plugins."""
    known: dict[str, Policy] = current_app.extensions["st"].policies
    return known


def ask(policy: Policy, submission: Submission) -> list[Finding]:
    """Return what `policy` says now, without shadow findings; all of it is noted.

    A submission that was changed since it was last asked (its price became known) is asked anew.
    """
    notes = _NOTES.get() or Notes()
    notes.asked = what = asked(submission)
    document, digest = in_force(policy)
    facts = policy.facts(document, what, notes.at)
    findings = tuple(policy.decide(document, what, facts))
    notes.taken[policy.name] = Note(policy.name, digest, document, facts, findings)
    return [finding for finding in findings if not finding.shadow]


def asked(submission: Submission) -> dict[str, Any]:
    """Return what was asked as policies see it: plain JSON values, natural keys, money as text."""
    viewer, estimate = submission.viewer, submission.estimate
    return {
        "user": viewer.username,
        "user_id": viewer.user_id,
        "levels": list(viewer.levels),
        "priority": viewer.priority,
        "org": scopes.org_slug(submission.org_id),
        "org_id": submission.org_id,
        "team": scopes.team_path(submission.team_id),
        "team_id": submission.team_id,
        "provider": submission.provider,
        "trainer": submission.trainer,
        "hardware": submission.hardware,
        "gpu_count": submission.gpu_count,
        "config_name": submission.config_name,
        "output_path": submission.config.get("output_dir"),
        "time_limit_seconds": submission.time_limit_seconds,
        "again_of": submission.again_of,
        "estimate_usd": None if estimate.usd is None else str(estimate.usd),
        "estimate_seconds": estimate.seconds,
        "bypasses": sorted(
            right
            for right in ("job.bypass.approval", "job.bypass.queue", "job.bypass.quota")
            if viewer.may(right)
        ),
    }


def in_force(policy: Policy) -> tuple[dict[str, Any], str]:
    """Return the document of `policy` in force and its digest, from memory while it holds."""

    def ask() -> tuple[dict[str, Any], str]:
        document = policy.document()
        return document, digest(document)

    return memory.remembered(("policy document", policy.name), ask)


def digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a document, the same for equal content."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def write(notes: Notes, outcome: str, job_id: int | None = None) -> None:
    """Step: record a decision, if any policy was asked."""
    assert_unit_of_work()
    if not notes.taken:
        return
    for note in notes.taken.values():
        _keep(note)
    row = {
        "at": notes.at,
        "job_id": job_id,
        "user_id": notes.asked["user_id"],
        "outcome": outcome,
        "asked": notes.asked,
        "answers": [note.as_json() for note in notes.taken.values()],
    }
    db.session.execute(_INSERT, row)


def _keep(note: Note) -> None:
    """Step: keep the document of a note, unless an earlier decision is known to have kept it."""
    kept: set[str] = current_app.extensions["st"].kept_documents
    if note.digest in kept:
        return
    if db.session.get(PolicyDocument, note.digest) is not None:
        kept.add(note.digest)
        return
    row = {"digest": note.digest, "policy": note.policy, "document": dict(note.document)}
    statement = upsert(PolicyDocument).values(**row, first_used_at=now())
    db.session.execute(statement.on_conflict_do_nothing())
