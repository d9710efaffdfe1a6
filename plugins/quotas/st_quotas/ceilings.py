"""Ceilings, pure: which count for a submission, which is the lowest, and what each says.

Within one type a person's own ceiling is the one set for them, else the largest of their levels',
else everybody's; it counts that person's jobs. The ceilings of the team and the organisation count
all jobs submitted for those. A submission must fit under every one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from st_core.contracts import Asked, Facts, Finding

from .kinds import KINDS, Kind, Measure

#: From this share of a ceiling on it is nearly reached.
NEARLY = Decimal("0.8")
#: Which verdict decides when several ceilings are reached.
SEVERITY = ("block", "require_approval", "notify", "warn", "allow")
OWN = ("user", "level", "global")
BYPASS = "job.bypass.quota"


@dataclass(frozen=True)
class Ceiling:
    """A ceiling by natural names: `name` is the user's, the level's, `org/team`, the org's slug."""

    scope: str
    name: str
    type: str
    limit: Decimal
    action: str
    mode: str

    @property
    def kind(self) -> Kind:
        """Return its type."""
        return KINDS[self.type]

    @property
    def rule(self) -> str:
        """Return the name under which decisions tell of it."""
        return "/".join(part for part in (self.type, self.scope, self.name) if part)

    @property
    def counted(self) -> str:
        """Return whose jobs it counts: the user's, the team's or the org's."""
        return "user" if self.scope in OWN else self.scope

    @property
    def origin(self) -> str:
        """Return where it comes from, in words."""
        return "everybody’s ceiling" if self.scope == "global" else f"{self.scope} {self.name}"


def of_document(document: Mapping[str, Any]) -> list[Ceiling]:
    """Return the ceilings of a policy's document."""
    return [Ceiling(**{**row, "limit": Decimal(str(row["limit"]))}) for row in document["ceilings"]]


def applying(ceilings: Iterable[Ceiling], asked: Asked) -> list[Ceiling]:
    """Return the ceilings that count for what was asked: per type and mode the person's own one,
    the team's and the organisation's."""
    names = {"user": asked["user"], "team": asked.get("team"), "org": asked.get("org")}
    levels = set(asked["levels"])
    own: dict[tuple[str, str], Ceiling] = {}
    above = []
    for one in ceilings:
        if one.scope in ("team", "org"):
            above += [one] if one.name == names[one.scope] else []
        elif one.scope == "global" or one.name == names["user"] or one.scope == "level":
            if one.scope == "level" and one.name not in levels:
                continue
            key = (one.type, one.mode)
            own[key] = max(one, own.get(key, one), key=_closeness)
    return [*own.values(), *above]


def _closeness(one: Ceiling) -> tuple[int, Decimal]:
    return -OWN.index(one.scope), one.limit


def need(kind: Kind, asked: Asked, facts: Facts) -> Decimal | None:
    """Return how much of `kind` the submission takes, None when it is not concerned.

    An unknown price or duration takes nothing until it is known, but needs room all the same.
    """
    gpus = asked.get("gpu_count") or 0
    if kind.measure is Measure.JOBS:
        return Decimal(1)
    if kind.measure is Measure.LOCAL_GPUS:
        return Decimal(gpus) if gpus and facts["local"] else None
    if kind.measure is Measure.COST:
        usd = asked.get("estimate_usd")
        return Decimal(0) if usd is None else (Decimal(usd) or None)
    return Decimal(str(gpu_seconds(asked))) / 3600 if gpus else None


def gpu_seconds(asked: Asked) -> float:
    """Return how long the job will keep GPUs busy, times how many: its estimate, at most its time
    limit; 0 when both are unknown."""
    known = [asked.get("estimate_seconds"), asked.get("time_limit_seconds")]
    return (asked.get("gpu_count") or 0) * min((s for s in known if s), default=0.0)


def decide(ceilings: Sequence[Ceiling], asked: Asked, facts: Facts) -> list[Finding]:
    """Return what the ceilings say of a submission, the deciding one first."""
    found = [_finding(one, asked, facts) for one in applying(ceilings, asked)]
    said = [finding for finding in found if finding is not None]
    return sorted(said, key=lambda f: (f.shadow, SEVERITY.index(f.effect), f.rule))


def _finding(one: Ceiling, asked: Asked, facts: Facts) -> Finding | None:
    """Return what one ceiling says: nothing while there is room below its last fifth."""
    takes = need(one.kind, asked, facts)
    if takes is None:
        return None
    used = Decimal(facts["used"][one.counted][one.type])
    after = used + takes
    details = {"type": one.type, "used": str(used), "takes": str(takes), "ceiling": str(one.limit)}
    shadow = one.mode == "shadow"
    if after > one.limit or used >= one.limit:
        skipped = BYPASS in asked["bypasses"] and one.action in ("block", "require_approval")
        effect = "allow" if skipped else one.action
        text = _sentence(one, asked, used, takes)
        return Finding(one.rule, effect, text, shadow, details | {"reached": True})
    if used < one.limit * NEARLY <= after:
        share = f" ({100 * after / one.limit:.0f}%)"
        text = _sentence(one, asked, after, None) + share
        return Finding(one.rule, "warn", text, shadow, details | {"reached": False})
    return None


def _sentence(one: Ceiling, asked: Asked, used: Decimal, takes: Decimal | None) -> str:
    kind = one.kind
    if one.counted == "user":
        whom = asked["user"] if one.scope == "user" else f"{asked['user']} ({one.origin})"
    else:
        whom = f"the {'organisation' if one.scope == 'org' else 'team'} {one.name}"
    said = f"{kind.figure(used)} of {kind.figure(one.limit)} {kind.unit} for {whom}"
    if takes is None or kind.measure is Measure.JOBS:
        return said
    return f"{said}; this job takes {kind.figure(takes) if takes else 'an unknown amount'}"
