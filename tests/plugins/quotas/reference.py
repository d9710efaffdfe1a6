"""The reference: what the ceilings mean, in plain lists and loops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

HOURS = {
    "jobs_per_hour": 1,
    "jobs_per_day": 24,
    "cost_daily": 24,
    "cost_monthly": 720,
    "gpu_hours_daily": 24,
    "gpu_hours_weekly": 168,
    "gpu_hours_monthly": 720,
}
WORST = ["block", "require_approval", "notify", "warn"]


@dataclass
class Use:
    """One admission."""

    user: str
    team: str | None
    org: str | None
    gpus: int
    usd: Decimal
    seconds: float
    at: float
    ended: float | None = None
    cost: Decimal = Decimal(0)
    worked: float = 0.0
    since: float | None = None


@dataclass
class Reference:
    """Every admission there was."""

    uses: list[Use] = field(default_factory=list)

    def used(self, kind: str, of: str, name: str, now: float) -> Decimal:
        """Return what somebody uses of a type."""
        mine = [use for use in self.uses if getattr(use, of) == name]
        here = [use for use in mine if use.ended is None]
        span = HOURS.get(kind, 0) * 3600
        if kind == "concurrent_jobs":
            return Decimal(len(here))
        if kind == "local_gpus":
            return Decimal(sum(use.gpus for use in here))
        if kind.startswith("jobs"):
            return Decimal(sum(use.at > now - span for use in mine))
        done = [use for use in mine if use.ended is not None and use.ended > now - span]
        if kind.startswith("cost"):
            return sum((u.usd for u in here), Decimal(0)) + sum((u.cost for u in done), Decimal(0))
        held = sum(
            max(u.seconds, u.worked + (u.gpus * (now - u.since) if u.since else 0)) for u in here
        )
        return Decimal(str(held + sum(u.worked for u in done))) / 3600

    def says(self, ceilings: Iterable[dict[str, Any]], asked: dict[str, Any], now: float) -> Any:
        """Return type and effect of each ceiling that is reached or nearly so."""
        said = []
        rows = list(ceilings)
        for kind in {row["type"] for row in rows}:
            same = [row for row in rows if row["type"] == kind]
            own = [r for r in same if r["scope"] == "user" and r["name"] == asked["user"]]
            levels = [r for r in same if r["scope"] == "level" and r["name"] in asked["levels"]]
            own = own or sorted(levels, key=lambda r: Decimal(r["limit"]))[-1:]
            own = own or [r for r in same if r["scope"] == "global"]
            above = [
                r for r in same if r["scope"] in ("team", "org") and r["name"] == asked[r["scope"]]
            ]
            for row in own + above:
                of = row["scope"] if row["scope"] in ("team", "org") else "user"
                used = self.used(kind, of, asked[of], now)
                effect = verdict(kind, row, asked, used)
                if effect:
                    said.append((kind, row["scope"], effect))
        return sorted(said)


def verdict(kind: str, row: dict[str, Any], asked: dict[str, Any], used: Decimal) -> str | None:
    """Return what one ceiling says when `used` is in use."""
    limit, gpus = Decimal(row["limit"]), asked["gpu_count"]
    takes = Decimal(1)
    if kind == "local_gpus" or kind.startswith("gpu"):
        if not gpus:
            return None
        takes = Decimal(gpus)
        if kind.startswith("gpu"):
            takes = takes * Decimal(str(asked["estimate_seconds"] or 0)) / 3600
    elif kind.startswith("cost"):
        if asked["estimate_usd"] == "0":
            return None
        takes = Decimal(asked["estimate_usd"] or 0)
    used = round(used, 6)
    if used + takes > limit or used >= limit:
        return str(row["action"])
    return "warn" if used < limit * 8 / 10 <= used + takes else None
