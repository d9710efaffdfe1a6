"""Decisions: what was decided about submissions and why; and what another policy would have
decided."""

from __future__ import annotations

import json
from typing import Any

from flask import request, url_for

from ...api.decisions import SEE
from ...api.guard import current_viewer
from ...api.routing import page
from ...models import Decision
from ...services import decision_record, decisions, shadow_report, what_if
from ...services.decision_record import Wanted
from ...services.outcomes import OUTCOMES
from ..frame import Crumb, Page, blueprint, render

ROWS = 50
SHADOW_DAYS = 30
FILTERS = ("job", "user", "outcome", "policy")
#: outcome → state of a pill, its word.
LOOKS = {
    "admitted": ("completed", "Admitted"),
    "asked": ("pending_approval", "Asked people"),
    "refused": ("failed", "Refused"),
}
TITLE = "Decisions"


@page(blueprint, "/decisions", permission=SEE)
def decision_list() -> str:
    """Show decisions that fit the address, the newest first."""
    viewer = current_viewer()
    known = decisions.policies()
    outcome, policy = request.args.get("outcome", ""), request.args.get("policy", "")
    wanted = Wanted(
        job_id=request.args.get("job", type=int),
        user_id=request.args.get("user", type=int),
        outcome=outcome if outcome in OUTCOMES else None,
        policy=policy if policy in known else None,
    )
    before = request.args.get("before", type=int)
    found = decision_record.page(viewer, wanted, limit=ROWS, before=before)
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name in FILTERS and value
    }
    return render(
        "decisions/list.html",
        Page(TITLE, "decisions", (Crumb("Administration"), Crumb(TITLE))),
        rows=[_row(row) for row in found.rows],
        asked=kept,
        policies={name: one.title for name, one in known.items()},
        outcomes={name: LOOKS[name][1] for name in OUTCOMES},
        sees_all=viewer.may(decision_record.SEES_ALL),
        older_url=found.older and url_for("web.decision_list", **kept, before=found.older),
        newest_url=url_for("web.decision_list", **kept) if before else None,
    )


@page(blueprint, "/decisions/<int(max=2147483647):decision_id>", permission=SEE)
def decision(decision_id: int) -> str:
    """Show one decision: what was asked, what each policy knew and said, the same once more."""
    row = decision_record.get(current_viewer(), decision_id)
    kept = decision_record.documents(row)
    crumbs = (Crumb("Administration"), Crumb(TITLE, url_for("web.decision_list")))
    return render(
        "decisions/decision.html",
        Page(f"Decision {row.id}", "decisions", (*crumbs, Crumb(str(row.id)))),
        row=_row(row),
        asked=[
            (name, _word(value)) for name, value in row.asked.items() if value not in (None, [])
        ],
        answers=[_answer(answer, kept.get(answer["policy"])) for answer in row.answers],
        replayed=decision_record.replay(row),
    )


@page(blueprint, "/admin/what-if", permission=what_if.MAY)
def policies_tried() -> str:
    """Show what rules in shadow mode would have done, and try out documents over the past."""
    chosen = request.args.get("policy", "")
    known = decisions.policies()
    shown = [known[chosen]] if chosen in known else list(known.values())
    return render(
        "decisions/what_if.html",
        Page("What if", "what_if", (Crumb("Administration"), Crumb("What if"))),
        report=shadow_report.of(SHADOW_DAYS),
        policies=[
            {
                "name": one.name,
                "title": one.title,
                "document": json.dumps(decisions.in_force(one)[0], indent=2, ensure_ascii=False),
            }
            for one in shown
        ],
    )


def _row(row: Decision) -> dict[str, Any]:
    state, word = LOOKS[row.outcome]
    said = [(answer["policy"], finding) for answer in row.answers for finding in answer["findings"]]
    return {
        "id": row.id,
        "at": row.at,
        "job_id": row.job_id,
        "user_id": row.user_id,
        "user": row.asked.get("user", ""),
        "asked": f"{row.asked.get('config_name')} on {row.asked.get('provider')}",
        "state": state,
        "word": word,
        "why": what_if.deciding([finding for _, finding in said]) or "Nothing objected.",
        "shadows": sum(bool(finding.get("shadow")) for _, finding in said),
    }


def _answer(answer: dict[str, Any], document: Any) -> dict[str, Any]:
    return {
        "policy": answer["policy"],
        "digest": answer["digest"][:12],
        "facts": [(name, _word(value)) for name, value in answer["facts"].items()],
        "findings": answer["findings"],
        "document": json.dumps(document, indent=2, ensure_ascii=False) if document else "",
    }


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
