"""The list of people as the administration shows it: filters, search, order, pages by number.

Words: a person's *source* is where they prove who they are: `local` (a password of this server),
`oidc`, `ldap`, `service` (an account without a person, keys only) or `machine` (whoever sits at
this machine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from ..db import db
from ..errors import Malformed
from ..models import ApiKey, Level, Membership, Org, ProviderCredential, Session, Team, User

SOURCES: dict[str, ColumnElement[bool]] = {
    "local": and_(User.auth_provider == "local", ~User.is_service, ~User.is_local_owner),
    "oidc": User.auth_provider == "oidc",
    "ldap": User.auth_provider == "ldap",
    "service": User.is_service.expression,
    "machine": User.is_local_owner.expression,
}
_NAME = func.lower(func.coalesce(User.display_name, User.username))
_SEEN = (
    select(func.max(Session.last_seen_at))
    .where(Session.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)
_KEYS = (
    select(func.count(ApiKey.id))
    .where(ApiKey.user_id == User.id, ApiKey.is_active)
    .correlate(User)
    .scalar_subquery()
)
SORTS: dict[str, ColumnElement[Any]] = {
    "name": _NAME,
    "created_at": User.created_at.expression,
    "last_login_at": User.last_login_at.expression,
}


@dataclass(frozen=True)
class Wanted:
    """What to list; a field that is empty lets everything pass. `active` is yes, no or empty."""

    q: str = ""
    level: str = ""
    source: str = ""
    active: str = "yes"
    sort: str = "name"
    descending: bool = False


@dataclass(frozen=True)
class Person:
    """One person with what a list shows beside them; `last_seen_at` is their last request or
    sign-in."""

    user: User
    last_seen_at: datetime | None
    key_count: int
    places: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """How many accounts there are, how many of them active, and how many per source."""

    total: int
    active: int
    by_source: Mapping[str, int]


def page(wanted: Wanted, *, limit: int, offset: int = 0) -> tuple[list[Person], int]:
    """Return one page of people and how many match. Raises Malformed for a sort nobody knows."""
    if wanted.sort not in SORTS:
        raise Malformed(f"cannot sort by {wanted.sort!r}. There are: {', '.join(SORTS)}.")
    criteria = matching(wanted)
    column = SORTS[wanted.sort]
    order = column.desc().nulls_last() if wanted.descending else column.asc().nulls_last()
    rows = db.session.execute(
        select(User, _SEEN, _KEYS)
        .where(*criteria)
        .order_by(order, User.id)
        .limit(limit)
        .offset(offset)
    ).all()
    total = db.session.scalar(select(func.count(User.id)).where(*criteria)) or 0
    places = _places([row[0].id for row in rows])
    return [_person(user, seen, keys, places) for user, seen, keys in rows], total


def counts() -> Counts:
    """Return how many accounts there are."""
    sums = [func.count(User.id).filter(criterion) for criterion in SOURCES.values()]
    active = func.count(User.id).filter(User.is_active)
    found = tuple(db.session.execute(select(func.count(User.id), active, *sums)).one())
    by_source = {name: n for name, n in zip(SOURCES, found[2:], strict=True) if n}
    return Counts(found[0], found[1], by_source)


@dataclass(frozen=True)
class Keeper:
    """Somebody who keeps credentials of other services here; `oldest_at` is when the oldest value
    was set."""

    user_id: int
    name: str
    count: int
    oldest_at: datetime


def keepers(limit: int) -> list[Keeper]:
    """Return people who keep active credentials, those with the oldest value first."""
    oldest = func.min(ProviderCredential.updated_at)
    name = func.coalesce(User.display_name, User.username)
    rows = db.session.execute(
        select(User.id, name, func.count(ProviderCredential.id), oldest)
        .join(ProviderCredential, ProviderCredential.user_id == User.id)
        .where(ProviderCredential.is_active)
        .group_by(User.id, name)
        .order_by(oldest)
        .limit(limit)
    )
    return [Keeper(user_id, shown, count, at) for user_id, shown, count, at in rows]


def level_names() -> list[str]:
    """Return the names of all levels, the highest priority first."""
    return list(db.session.scalars(select(Level.name).order_by(Level.priority.desc(), Level.name)))


def _person(user: User, seen: datetime | None, keys: int, places: Mapping[int, Any]) -> Person:
    moments = [at for at in (seen, user.last_login_at) if at is not None]
    return Person(user, max(moments, default=None), keys, tuple(places.get(user.id, ())))


def _places(user_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the teams people are in, and the organisations of those who are in no team."""
    found: dict[int, list[str]] = {}
    rows = db.session.execute(
        select(Membership.user_id, Org.name, Team.name)
        .join(Org, Org.id == Membership.org_id)
        .outerjoin(Team, Team.id == Membership.team_id)
        .where(Membership.user_id.in_(user_ids))
        .order_by(Team.name.is_(None), Team.name, Org.name)
    )
    for user_id, org, team in rows:
        names = found.setdefault(user_id, [])
        if team or not names:
            names.append(team or org)
    return found


def matching(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return the SQL of a filter. Raises Malformed for a source nobody knows."""
    found: list[ColumnElement[bool]] = []
    if wanted.q:
        words = wanted.q.lower()
        columns = (_NAME, func.lower(User.username), func.lower(User.email))
        found.append(or_(*(column.contains(words, autoescape=True) for column in columns)))
    if wanted.level:
        found.append(User.levels.any(Level.name == wanted.level))
    if wanted.source:
        found.append(_source(wanted.source))
    if wanted.active in ("yes", "no"):
        found.append(User.is_active.expression if wanted.active == "yes" else ~User.is_active)
    return found


def _source(name: str) -> ColumnElement[bool]:
    if name not in SOURCES:
        raise Malformed(f"{name!r} is no source. There are: {', '.join(SOURCES)}.")
    return SOURCES[name]
