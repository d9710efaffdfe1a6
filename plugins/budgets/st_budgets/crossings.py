"""Crossings: `cost.warning` at 80 percent and `cost.exceeded` at the amount, once each way up."""

from __future__ import annotations

from collections.abc import Mapping

from st_core.clock import now
from st_core.db import assert_unit_of_work, db
from st_core.services import events

from . import standing
from .limits import Whose, everything
from .models import BudgetsCrossing, BudgetsLimit
from .policy import label

RANK = {"": 0, "warning": 1, "exceeded": 2}


def note(stages: Mapping[str, str]) -> None:
    """Step: tell of limits that a submission carries further, by how they are named in records."""
    assert_unit_of_work()
    if not stages:
        return
    for row, who in everything():
        stage = stages.get(label({"scope": who.scope, "name": who.name}))
        told = db.session.get(BudgetsCrossing, row.id)
        if stage and RANK[stage] > RANK[told.stage if told else ""]:
            _tell(row, who, stage, told)


def look() -> None:
    """Step: tell of every limit that money reached meanwhile; forget those that a new period took
    below."""
    assert_unit_of_work()
    for one in standing.of_all():
        told = db.session.get(BudgetsCrossing, one.row.id)
        if RANK[one.stage] > RANK[told.stage if told else ""]:
            _tell(one.row, one.whose, one.stage, told)
        elif told is not None and not one.stage:
            db.session.delete(told)
        elif told is not None and told.stage != one.stage:
            told.stage, told.at = one.stage, now()


def _tell(row: BudgetsLimit, who: Whose, stage: str, told: BudgetsCrossing | None) -> None:
    if told is None:
        db.session.add(BudgetsCrossing(limit_id=row.id, stage=stage, at=now()))
    else:
        told.stage, told.at = stage, now()
    if row.mode == "shadow":
        return
    share = "reached" if stage == "exceeded" else "used to 80%"
    events.emit(
        f"cost.{stage}",
        subject=("cost_limit", who.subject),
        team_id=who.key if who.scope == "team" else None,
        org_id=who.key if who.scope == "org" else None,
        message=f"The {row.period} cost limit of {who.scope} {who.name} is {share}".strip(),
        data={"limit": label({"scope": who.scope, "name": who.name}), "action": row.action},
    )
