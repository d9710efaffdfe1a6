"""Ceilings are set and removed here: one per scope and type, a new one replaces the old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from st_core.clock import now
from st_core.contracts import Viewer
from st_core.db import assert_unit_of_work, db, retried, unit_of_work
from st_core.errors import NotAllowed, SetTimeRule
from st_core.models import Org
from st_core.services import events

from . import rows, subjects
from .kinds import ACTIONS, KINDS, MODES, plain
from .models import QuotasCeiling
from .subjects import Subject

#: The gate under which policy changes, so that a submission sees it before or after.
GATE = "submit"
MOST = Decimal(10) ** 12


@retried
def put(subject: Subject, quota_type: str, limit: Decimal, action: str, mode: str) -> int:
    """Command: set a ceiling; return its number, which stays when it is replaced.

    Raises SetTimeRule for an unknown type or action, a limit that cannot be, or one of a team above
    its organisation's.
    """
    values = _checked({"type": quota_type, "limit": limit, "action": action, "mode": mode})
    with unit_of_work(gate=GATE):
        _refuse_above_org(subject, values)
        return _put(subject, values).id


@retried
def remove(viewer: Viewer, ceiling_id: int) -> None:
    """Command: remove a ceiling. Raises NotFound, NotAllowed when the viewer may not set it."""
    with unit_of_work(gate=GATE):
        row = rows.one(viewer, ceiling_id)
        subject = Subject(row.ceiling.scope, row.ceiling.subject_id, row.name, row.org_id)
        if not subjects.may_set(viewer, subject):
            raise NotAllowed(
                "This ceiling reaches beyond your organisation; only an administrator removes it.",
                code="beyond_organisation",
            )
        _remove(row.ceiling, subject)


def replace_all(wanted: Sequence[Mapping[str, Any]]) -> None:
    """Step: make the ceilings be exactly these, told apart by scope, name and type.

    Raises SetTimeRule when one cannot be, or one is there twice.
    """
    assert_unit_of_work()
    asked = [(subjects.named(row["scope"], row["name"]), _checked(row)) for row in wanted]
    keys = [(subject, values["type"]) for subject, values in asked]
    if len(set(keys)) != len(keys):
        raise SetTimeRule("Two quotas are for one scope and type.", code="duplicate")
    for row in rows.everything():
        one = row.ceiling
        subject = Subject(one.scope, one.subject_id, row.name, row.org_id)
        if (subject, one.quota_type) not in keys:
            _remove(one, subject)
    db.session.flush()
    for subject, values in sorted(asked, key=lambda pair: pair[0].scope != "org"):
        _refuse_above_org(subject, values)
        _put(subject, values)


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a ceiling that can be. Raises SetTimeRule naming the field."""
    kind, limit = KINDS.get(values["type"]), Decimal(values["limit"])
    if kind is None:
        raise _refusal("quota_type", values["type"], KINDS)
    if values["action"] not in ACTIONS:
        raise _refusal("action", values["action"], ACTIONS)
    if values["mode"] not in MODES:
        raise _refusal("mode", values["mode"], MODES)
    if not limit.is_finite() or not 0 < limit < MOST:
        raise _bad_limit(f"{limit} is no limit; give a number above 0 and below 10^12.")
    if limit != round(limit, 6):
        raise _bad_limit(f"{plain(limit)} has more than six places.")
    if kind.is_whole and limit != int(limit):
        raise _bad_limit(f"{plain(limit)} is not a whole number; {kind.title} counts whole ones.")
    return {**values, "limit": limit}


def _refuse_above_org(subject: Subject, values: Mapping[str, Any]) -> None:
    """Step: pass unless it is a team's above its organisation's. Raises SetTimeRule."""
    if subject.scope != "team" or subject.org_id is None:
        return
    above = rows.org_ceilings([subject.org_id]).get((subject.org_id, values["type"]))
    if above is not None and values["limit"] > above.limit_value:
        name = db.session.scalar(select(Org.name).where(Org.id == subject.org_id))
        most, kind = above.limit_value, KINDS[values["type"]]
        raise SetTimeRule(
            f"{plain(values['limit'])} is above the ceiling of {name} for {kind.title.lower()} "
            f"({plain(most)}). Choose {plain(most)} or less, or raise the organisation’s first.",
            code="above_org_ceiling",
            fields=[{"path": "limit_value", "message": f"{plain(most)} or less"}],
            details={"org_limit": float(most)},
        )


def _put(subject: Subject, values: Mapping[str, Any]) -> QuotasCeiling:
    """Step: insert or change the ceiling of this scope and type, and tell of it."""
    one = _present(subject, values["type"])
    before = _told(one) if one else None
    if one is None:
        one = QuotasCeiling(scope=subject.scope, quota_type=values["type"])
        if subject.id is not None:
            setattr(one, f"{subject.scope}_id", subject.id)
        db.session.add(one)
    one.limit_value, one.action, one.mode = values["limit"], values["action"], values["mode"]
    if before != _told(one):
        one.updated_at = now()
        db.session.flush()
        _tell(one, subject, before, _told(one))
    return one


def _remove(one: QuotasCeiling, subject: Subject) -> None:
    """Step: delete a ceiling, and tell of it."""
    _tell(one, subject, _told(one), None)
    db.session.delete(one)


def _present(subject: Subject, quota_type: str) -> QuotasCeiling | None:
    query = select(QuotasCeiling).where(
        QuotasCeiling.scope == subject.scope, QuotasCeiling.quota_type == quota_type
    )
    if subject.id is not None:
        query = query.where(getattr(QuotasCeiling, f"{subject.scope}_id") == subject.id)
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _told(one: QuotasCeiling) -> dict[str, Any]:
    return {"limit": plain(one.limit_value), "action": one.action, "mode": one.mode}


def _tell(
    one: QuotasCeiling,
    subject: Subject,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    """Step: record what became of a ceiling, for those who may know of its organisation."""
    whom = f"{subject.scope} {subject.name}" if subject.name else "everybody"
    became = f"{after['limit']}, {after['action']}" if after else "removed"
    events.emit(
        "quota.changed",
        subject=("quota", one.id),
        org_id=subject.org_id,
        team_id=subject.id if subject.scope == "team" else None,
        owner_id=subject.id if subject.scope == "user" else None,
        message=f"{KINDS[one.quota_type].title} for {whom}: {became}",
        data={"quota_type": one.quota_type, "scope": subject.scope, "name": subject.name},
        before=before,
        after=after,
    )


def _refusal(path: str, given: Any, known: Any) -> SetTimeRule:
    return SetTimeRule(
        f"There is no {path.replace('_', ' ')} {given!s:.50}. Known: {', '.join(known)}.",
        code=f"unknown_{path}",
        fields=[{"path": path, "message": f"one of {', '.join(known)}"}],
    )


def _bad_limit(text: str) -> SetTimeRule:
    return SetTimeRule(
        text, code="invalid_limit", fields=[{"path": "limit_value", "message": text}]
    )
