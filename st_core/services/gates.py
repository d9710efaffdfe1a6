"""The gates of the pipeline, in order (guide section 3): may you, is it well formed, what does it
cost, are you allowed this, is there room, must someone approve, in you go.

A gate answers with a `GateResult` or refuses by raising. Submitting stops at the first refusal; a
dry run walks the very same list to the end and gathers every answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..contracts import Action, Demand, Submission, Verdict, Viewer
from ..errors import NotAllowed, QuotaExceeded, Refused, SubmissionInvalid
from ..models import Job
from ..plugins import current_plugins
from . import levels, limits, permissions, placement, registries
from .hardware_choice import Checked


@dataclass(frozen=True)
class GateResult:
    """What one gate said. `result` is pass, warn, ask, no or todo (not reached); `verdict` is
    the short word, `text` the sentence, `fields` what is wrong at which field when it refused."""

    name: str
    result: str
    verdict: str = ""
    text: str = ""
    fields: tuple[dict[str, str], ...] = ()


@dataclass
class Walk:
    """One way through the gates: what was asked, and what is known so far.

    `checked` is what the trainer said of the config, when it was asked before.
    """

    viewer: Viewer
    submission: Submission
    checked: Checked | None = None
    job: Job | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    skipped: list[Demand] = field(default_factory=list)
    results: list[GateResult] = field(default_factory=list)
    refusal: Refused | None = None
    dry: bool = False


Gate = Callable[[Walk], GateResult]

#: The name of the demand that a submitter makes.
ASKED = "for_approval"


def permission(walk: Walk) -> GateResult:
    """May the viewer submit at all, and ask for what the submission asks?"""
    permissions.require(walk.viewer, "job.submit")
    asked = walk.submission
    if asked.priority_override is not None:
        limits.require_priority(walk.viewer, asked.priority_override, own=True)
    if asked.bypass_queue:
        permissions.require(walk.viewer, "job.bypass.queue")
    held = ", ".join(walk.viewer.levels) or "its own right"
    return GateResult("Permission", "pass", "job.submit", f"held as {held}")


def well_formed(walk: Walk) -> GateResult:
    """Can the trainer run this config, and the provider this submission?"""
    asked = walk.submission
    trainer, provider = registries.trainer(asked.trainer), registries.provider(asked.provider)
    filled, problems = walk.checked or trainer.validate(asked.config)
    walk.submission = asked = asked.with_(config=filled)
    found = [(f"config.{item.path}".rstrip("."), item.message) for item in problems]
    found += [(item.path, item.message) for item in provider.validate(asked)]
    if found:
        raise SubmissionInvalid(
            f"{len(found)} problem{'s' if len(found) > 1 else ''}: "
            + "; ".join(f"{path}: {text}" if path else text for path, text in found[:5]),
            fields=[{"path": path, "message": text} for path, text in found],
        )
    walk.submission = current_plugins().prepare_submission(asked)
    checker = trainer.title.partition(":")[0]
    return GateResult("Well formed", "pass", "0 errors", f"{len(filled)} keys checked by {checker}")


def price(walk: Walk) -> GateResult:
    """What will it cost, as far as anybody knows?"""
    estimate = registries.provider(walk.submission.provider).estimate(walk.submission)
    if estimate is None:
        estimate = current_plugins().estimate_cost(walk.submission)
    if estimate is not None:
        walk.submission = walk.submission.with_(estimate=estimate)
    known = walk.submission.estimate
    if known.usd is None:
        return GateResult("Price", "pass", "unknown", known.basis)
    spread = f" ± {known.plus_minus_usd:.2f}" if known.plus_minus_usd else ""
    return GateResult("Price", "pass", f"${known.usd:.2f}{spread}", known.basis)


def access(walk: Walk) -> GateResult:
    """Is the submitter's organisation active, and does no access rule forbid it?"""
    placement.refuse_inactive(walk.submission.org_id)
    denials = current_plugins().check_access(walk.submission)
    if denials:
        raise NotAllowed(
            "; ".join(denial.text for denial in denials),
            code="access_denied",
            details={"rules": [denial.rule for denial in denials]},
        )
    return GateResult("Access rules", "pass", "allowed", "no rule forbids it")


def room(walk: Walk) -> GateResult:
    """Is there room, now that the job has a number? Reservations are taken here."""
    assert walk.job is not None
    walk.verdicts = current_plugins().reserve_limits(walk.job, walk.submission)
    walk.verdicts += limits.immediate(walk.job, walk.submission)
    blocking = [verdict for verdict in walk.verdicts if verdict.blocks]
    if blocking:
        raise QuotaExceeded(
            "; ".join(verdict.text for verdict in blocking),
            code=blocking[0].code,
            details={"limits": [verdict.limit for verdict in blocking]},
        )
    if walk.verdicts:
        first = walk.verdicts[0]
        share = (
            f"{100 * first.used / first.ceiling:.0f}% of a limit" if first.ceiling else first.limit
        )
        return GateResult("Room", "warn", share, "; ".join(v.text for v in walk.verdicts))
    return GateResult("Room", "pass", "free", "no limit is reached")


def approval(walk: Walk) -> GateResult:
    """Must a person decide?"""
    assert walk.job is not None
    walk.demands = [
        Demand(verdict.text, rule=verdict.limit)
        for verdict in walk.verdicts
        if verdict.action is Action.REQUIRE_APPROVAL
    ]
    if walk.submission.for_approval:
        walk.demands.append(Demand("the submitter asked for approval", rule=ASKED))
    walk.demands += current_plugins().require_approval(walk.job, walk.submission)
    if not walk.demands:
        return GateResult("Approval", "pass", "not needed", "no rule asks for it")
    if walk.viewer.may("job.bypass.approval") and not walk.submission.for_approval:
        walk.demands, walk.skipped = [], walk.demands
        return GateResult("Approval", "pass", "skipped", "held right job.bypass.approval")
    level = levels.highest(demand.approver_level for demand in walk.demands)
    who = f"an {level}" if level[:1] in "aeiou" else f"a {level}"
    reasons = "; ".join(demand.reason for demand in walk.demands)
    return GateResult("Approval", "ask", f"asks {who}", reasons)


def queue(walk: Walk) -> GateResult:
    """In you go: where the job would stand."""
    assert walk.job is not None
    if walk.demands:
        return GateResult("Queue", "todo", "after approval", "")
    text = limits.waits_because(walk.job) if walk.dry else ""
    return GateResult("Queue", "pass", "queued", text)


#: Gates that may talk to the outside, before the unit of work opens; and those inside it. The job
#: is inserted
#: after the first of the latter.
OUTSIDE: tuple[Gate, ...] = (permission, well_formed, price)
BEFORE_INSERT: tuple[Gate, ...] = (access,)
AFTER_INSERT: tuple[Gate, ...] = (room, approval, queue)
TITLES: dict[Gate, str] = {
    permission: "Permission",
    well_formed: "Well formed",
    price: "Price",
    access: "Access rules",
    room: "Room",
    approval: "Approval",
    queue: "Queue",
}


def walk_through(walk: Walk, gates: tuple[Gate, ...], *, to_the_end: bool) -> None:
    """Ask each gate. With `to_the_end` a refusal is noted and later gates that can still answer
    are asked."""
    for gate in gates:
        try:
            walk.results.append(gate(walk))
        except Refused as refusal:
            if not to_the_end:
                raise
            walk.refusal = walk.refusal or refusal
            walk.results.append(
                GateResult(TITLES[gate], "no", "refused", refusal.detail, tuple(refusal.fields))
            )


def as_rows(results: list[GateResult]) -> list[dict[str, Any]]:
    """Return gate results as plain dictionaries."""
    return [
        {"name": r.name, "result": r.result, "verdict": r.verdict, "text": r.text} for r in results
    ]
