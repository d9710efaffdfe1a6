"""Scopes: whose ceilings and budgets count for a submission (guide section 6).

A *scope* is a person, a level, a team, an organisation, or everybody. Names are natural keys: the
user name, the level's name, `org-slug/team-slug`, the organisation's slug, and "" for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ..contracts import Asked
from ..db import db
from ..models import Org, Team
from . import policy

KINDS = ("user", "level", "team", "org", "global")


@dataclass(frozen=True)
class Scope:
    """One circle of people: its kind and its natural key."""

    kind: str
    name: str = ""


def of(asked: Asked) -> tuple[Scope, ...]:
    """Return the scopes of what was asked, the narrowest first."""
    found = [Scope("user", asked["user"])]
    found += [Scope("level", level) for level in asked["levels"]]
    found += [Scope(kind, asked[kind]) for kind in ("team", "org") if asked.get(kind)]
    return (*found, Scope("global"))


def org_slug(org_id: int | None) -> str | None:
    """Return the slug of an organisation, from memory while no policy changed."""
    if org_id is None:
        return None
    query = select(Org.slug).where(Org.id == org_id)
    return policy.remembered(("org slug", org_id), lambda: db.session.scalar(query))


def team_path(team_id: int | None) -> str | None:
    """Return `org-slug/team-slug` of a team, from memory while no policy changed."""
    if team_id is None:
        return None

    def ask() -> str | None:
        query = select(Org.slug, Team.slug).join(Org).where(Team.id == team_id)
        row = db.session.execute(query).first()
        return f"{row[0]}/{row[1]}" if row else None

    return policy.remembered(("team path", team_id), ask)
