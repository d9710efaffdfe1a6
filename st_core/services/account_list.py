"""The list of accounts for programs: the filters of `people_list`, in an order that pages can go on
from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select, tuple_

from ..db import UtcDateTime, db
from ..errors import Malformed
from ..models import AuthProvider, User
from . import people_list, setup

_NEVER = literal(datetime(1970, 1, 1, tzinfo=UTC), UtcDateTime())
SORTS: dict[str, ColumnElement[Any]] = {
    "username": func.lower(User.username),
    "email": func.lower(User.email),
    "created_at": User.created_at.expression,
    "last_login_at": func.coalesce(User.last_login_at, _NEVER),
}


@dataclass(frozen=True)
class Page:
    """Some accounts, the last one's number while there are more, and how many match in all."""

    users: list[User]
    next_after: int | None
    total: int


@dataclass(frozen=True)
class AuthStatus:
    """Whether people sign in here, how many have an account, and whether a provider is set up."""

    in_use: bool
    user_count: int
    has_external_providers: bool


def auth_status() -> AuthStatus:
    """Return how people come in here; the person at this machine does not count."""
    people = setup.status().user_count
    enabled = select(AuthProvider.id).where(AuthProvider.enabled).limit(1)
    return AuthStatus(people > 0, people, db.session.scalar(enabled) is not None)


def page(
    wanted: people_list.Wanted,
    *,
    sort: str = "username",
    descending: bool = False,
    limit: int = 100,
    offset: int = 0,
    after: int | None = None,
) -> Page:
    """Return one page of accounts; `after`, the number of the account before, wins over `offset`.

    Raises Malformed for a sort or a source nobody knows.
    """
    if sort not in SORTS:
        raise Malformed(f"cannot sort by {sort!r}. There are: {', '.join(SORTS)}.")
    criteria = people_list.matching(wanted)
    key = [SORTS[sort], User.id.expression]
    found = select(User).where(*criteria)
    if after is not None:
        place = select(SORTS[sort]).where(User.id == after).scalar_subquery()
        anchor = tuple_(place, after)
        found = found.where(tuple_(*key) < anchor if descending else tuple_(*key) > anchor)
    found = found.order_by(*(part.desc() if descending else part.asc() for part in key))
    rows = list(
        db.session.scalars(found.limit(limit + 1).offset(0 if after is not None else offset))
    )
    total = db.session.scalar(select(func.count(User.id)).where(*criteria)) or 0
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None, total)
