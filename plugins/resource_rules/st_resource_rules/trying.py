"""The tester: may this person run this, and which rule decides?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from st_core.contracts import Finding
from st_core.db import db
from st_core.errors import NotFound
from st_core.models import User
from st_core.services import decisions, level_grants

from .policy import POLICY


@dataclass(frozen=True)
class Tried:
    """What came out: `rule` decides, None where nothing forbids it."""

    levels: tuple[str, ...]
    findings: tuple[Finding, ...]
    rule: str | None
    text: str

    @property
    def allowed(self) -> bool:
        """Tell whether it may run."""
        return self.rule is None


def try_out(levels: Sequence[str], what: Mapping[str, Any]) -> Tried:
    """Return what the rules in force say to somebody with these levels about config_name, hardware,
    provider and output_path in `what`."""
    document, _ = decisions.in_force(POLICY)
    asked = {**what, "levels": list(levels)}
    findings = tuple(POLICY.decide(document, asked, {}))
    denials = [each for each in findings if each.effect == "deny" and not each.shadow]
    return Tried(
        tuple(levels),
        findings,
        denials[0].rule if denials else None,
        " ".join(each.text for each in denials) or _allowed(levels, findings),
    )


def levels_of(username: str) -> list[str]:
    """Return the levels of a person. Raises NotFound."""
    query = select(User).where(func.lower(User.username) == username.lower())
    user = db.session.scalar(query)
    if user is None:
        raise NotFound(f"there is no user {username!r}", code="user_not_found")
    return sorted(level.name for level in user.levels)


def known(names: Sequence[str]) -> list[str]:
    """Return the names of levels, each once. Raises SetTimeRule for one there is not."""
    return [level.name for level in level_grants.named(names)]


def _allowed(levels: Sequence[str], findings: Sequence[Finding]) -> str:
    if "admin" in levels:
        return "Administrators pass every resource rule."
    acting = [each.text for each in findings if not each.shadow]
    return " ".join(acting) or "No rule governs these levels, so everything is allowed."
