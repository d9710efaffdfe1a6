"""Which accounts are one person: nobody approves their own job through another account of theirs.

One person's accounts are the service accounts they answer for or hold a key of, and accounts whose
addresses differ only in what stands behind a `+`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, or_, select

from st_core.db import db
from st_core.models import ApiKey, User


def selves(user_ids: Iterable[int | None]) -> frozenset[int]:
    """Return every account that is one person with one of these accounts, themselves included."""
    found: set[int] = set()
    open_ends = {one for one in user_ids if one is not None}
    while open_ends:
        found |= open_ends
        open_ends = _next_to(open_ends) - found
    return frozenset(found)


def _next_to(user_ids: set[int]) -> set[int]:
    """Return the accounts that are directly one person with one of these."""
    near = set(db.session.scalars(select(User.id).where(User.owner_id.in_(user_ids))))
    owners = select(User.owner_id).where(User.id.in_(user_ids), User.owner_id.is_not(None))
    near |= {one for one in db.session.scalars(owners) if one is not None}
    keys = (
        select(ApiKey.user_id, ApiKey.made_by_id)
        .join(User, User.id == ApiKey.user_id)
        .where(
            User.is_service,
            ApiKey.is_active,
            ApiKey.made_by_id.is_not(None),
            or_(ApiKey.user_id.in_(user_ids), ApiKey.made_by_id.in_(user_ids)),
        )
    )
    for holder, maker in db.session.execute(keys):
        near |= {one for one in (holder, maker) if one is not None}
    return near | _same_address(user_ids)


def _same_address(user_ids: set[int]) -> set[int]:
    """Return the accounts with the same address but for what stands behind a `+`."""
    addresses = db.session.scalars(select(User.email).where(User.id.in_(user_ids)))
    alike = []
    for name, at, domain in (address.lower().partition("@") for address in addresses):
        plain = name.partition("+")[0]
        tagged = f"{_escaped(plain)}+%{at}{_escaped(domain)}"
        alike.append(func.lower(User.email) == f"{plain}{at}{domain}")
        alike.append(func.lower(User.email).like(tagged, escape="\\"))
    return set(db.session.scalars(select(User.id).where(or_(*alike)))) if alike else set()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
