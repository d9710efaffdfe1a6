"""Putting a tree in force: its cases first, then every part in one unit of work, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...contracts import Viewer
from ...db import db, pass_gate, retried, unit_of_work
from ...errors import Conflict, NotAllowed, SetTimeRule, StError
from ...failpoints import failpoint
from .. import authority, events, permissions, policy
from . import parts, planning
from .files import Tree

#: Whoever has the machine, over `flask st`.
CONSOLE = Viewer(
    0, "console", "Console", frozenset({"*"}), ("admin",), 100, via="cli", everywhere=True
)


def export(viewer: Viewer) -> dict[str, dict[str, Any]]:
    """Return every part as it is in force. Raises NotAllowed without `admin.config`."""
    permissions.require(viewer, parts.MAY)
    return {name: parts.complete(part, part.document()) for name, part in parts.known().items()}


@retried
def apply(viewer: Viewer, tree: Tree, *, expected: str | None = None) -> planning.Plan:
    """Command: put a tree in force, all of it or nothing; return what changed.

    `expected` is `digest_before` of the plan that was looked at. Raises NotAllowed for a part that
    is another's to set, Malformed when the tree does not fit, SetTimeRule when a case fails or a
    part refuses, Conflict when the policy changed since the plan or did not come out as written.
    """
    found = planning.plan(viewer, tree, days=0)
    _require_passing(found)
    if expected not in (None, found.digest_before):
        raise _moved_on()
    with policy.anew(), unit_of_work(gate="submit"):
        pass_gate("dispatch")  # jobs of a team that goes change, as they do in a claim
        pass_gate(authority.GATE)
        known = parts.known()
        before = {name: parts.in_force(known[name]) for name in found.documents}
        if parts.digest(before) != found.digest_before:
            raise _moved_on()
        for name, document in found.documents.items():
            if before[name] != parts.comparable(document):
                _apply(viewer, known[name], document)
        if found.changes_anything:
            _tell(found)
        failpoint("policy.before_commit")
    failpoint("policy.after_commit")
    return found


def _apply(viewer: Viewer, part: parts.Part, document: Mapping[str, Any]) -> None:
    """Step: put one part in force, and look whether it is. Raises as `apply` does."""
    right = parts.right_for(part)
    if not viewer.may(right):
        who = "an administrator" if right == "*" else f"whoever holds {right}"
        raise NotAllowed(f"{part.title}: only {who} puts this part in force.")
    failpoint("policy.before_part")
    try:
        part.apply(document)
        db.session.flush()
    except StError as error:
        error.detail = f"{part.name}: {error.detail}"
        raise
    if parts.in_force(part) != parts.comparable(document):
        raise Conflict(
            f"{part.name}: what came out is not what is written; nothing was changed. Export the "
            "policy and compare.",
            code="policy_not_as_written",
        )
    failpoint("policy.after_part")


def _tell(found: planning.Plan) -> None:
    changed = {part.name: len(part.changes) for part in found.parts}
    events.emit(
        "policy.applied",
        subject=("policy", found.digest_after[:16]),
        before={"digest": found.digest_before},
        after={"digest": found.digest_after},
        data={"parts": changed},
        message=f"policy files were put in force: {', '.join(changed)}",
    )


def _require_passing(found: planning.Plan) -> None:
    """Pass when every case holds. Raises SetTimeRule naming those that fail."""
    failed = [each for each in found.results if not each.passed]
    if failed:
        raise SetTimeRule(
            f"{len(failed)} of {len(found.results)} policy tests fail, so nothing was changed: "
            + "; ".join(f"{each.name}: {each.text}" for each in failed[:5]),
            code="policy_tests_failed",
            fields=[{"path": f"tests.{each.name}", "message": each.text} for each in failed[:100]],
        )


def _moved_on() -> Conflict:
    return Conflict(
        "The policy changed since the plan was made; plan again and look at what changes now.",
        code="policy_changed",
    )
