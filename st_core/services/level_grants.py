"""Who has which level: giving levels to people and taking them again.

A grant's *source* says who gave it: `manual` is an administrator, `provider:<name>` a sign-in
provider. What somebody gave by hand stays when a provider does not name the group any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, insert, select, update

from ..actor import current
from ..contracts import Viewer
from ..db import assert_unit_of_work, db, retried
from ..errors import NotFound, SetTimeRule
from ..models import Level, User, user_level
from . import authority, events, policy, users

MANUAL = "manual"


def named(names: Iterable[str]) -> list[Level]:
    """Return the levels of these names. Raises SetTimeRule naming those there are not."""
    wanted = list(dict.fromkeys(names))
    found = {
        level.name: level
        for level in db.session.scalars(select(Level).where(Level.name.in_(wanted)))
    }
    if missing := [name for name in wanted if name not in found]:
        known = db.session.scalars(select(Level.name).order_by(Level.priority, Level.name))
        raise SetTimeRule(
            f"There is no level {', '.join(map(repr, missing))}. There are: {', '.join(known)}.",
            code="unknown_level",
            fields=[{"path": "level_names", "message": "unknown level"}],
        )
    return [found[name] for name in wanted]


@retried
def assign(viewer: Viewer, user_id: int, name: str) -> None:
    """Command: give a level to a user; one they have already is fine.

    Raises NotFound without such a user or level, NotAllowed when the level is above the viewer's
    own or the person may more than the viewer.
    """
    with authority.changes_by(viewer):
        user, level = users.lock(user_id), _level(name)
        authority.require_over(viewer, user)
        authority.require_level(viewer, level)
        change(user, {*_names(user), level.name})
        pin(user, level)


@retried
def remove(viewer: Viewer, user_id: int, name: str) -> None:
    """Command: take a level from a user.

    Raises NotFound when they do not have it, NotAllowed as `assign` does, SetTimeRule when it is
    one's own level `admin` or the last administrator's.
    """
    with authority.changes_by(viewer):
        user, level = users.lock(user_id), _level(name)
        authority.require_over(viewer, user)
        authority.require_level(viewer, level)
        if level.name not in _names(user):
            raise NotFound(f"{user.username} does not have the level {name!r}")
        if level.name == "admin":
            authority.require_other(viewer, user, "take the level admin from")
        change(user, {*_names(user)} - {level.name})


def change(user: User, names: Collection[str], source: str = MANUAL) -> None:
    """Step: let a user have exactly these levels, with one event when that changes anything.

    New grants are of `source`; those that stay keep theirs.
    """
    assert_unit_of_work()
    before = _names(user)
    wanted = {level.name: level for level in named(names)}
    _take(user, [level.id for level in user.levels if level.name not in wanted])
    _give(user, [level.id for name, level in wanted.items() if name not in before], source)
    db.session.expire(user, ["levels"])
    after = sorted(wanted)
    if before != after:
        events.emit(
            "admin.role_changed",
            subject=("user", user.id),
            owner_id=user.id,
            before={"levels": before},
            after={"levels": after},
            data={"source": source},
            message=f"{user.username}: {', '.join(after) or 'no level'}",
        )
    policy.bump()


def pin(user: User, level: Level) -> None:
    """Step: let a level count as given by hand, so that no provider takes it."""
    assert_unit_of_work()
    db.session.execute(
        update(user_level)
        .where(user_level.c.user_id == user.id, user_level.c.level_id == level.id)
        .values(source=MANUAL)
    )


def sources(user_id: int) -> dict[str, str]:
    """Return who gave each of a user's levels, by the level's name."""
    rows = db.session.execute(
        select(Level.name, user_level.c.source)
        .join(user_level, user_level.c.level_id == Level.id)
        .where(user_level.c.user_id == user_id)
    )
    return {name: source for name, source in rows}


def holders(level_id: int) -> int:
    """Return how many people have a level."""
    counted = select(func.count()).where(user_level.c.level_id == level_id)
    return db.session.scalar(counted) or 0


def all_holders() -> dict[int, int]:
    """Return how many people have each level, by the level's number; none where nobody has it."""
    counted = select(user_level.c.level_id, func.count()).group_by(user_level.c.level_id)
    return {level_id: count for level_id, count in db.session.execute(counted)}


def _take(user: User, level_ids: list[int]) -> None:
    if level_ids:
        db.session.execute(
            delete(user_level).where(
                user_level.c.user_id == user.id, user_level.c.level_id.in_(level_ids)
            )
        )


def _give(user: User, level_ids: list[int], source: str) -> None:
    giver = current().user_id
    rows = [
        {"user_id": user.id, "level_id": level_id, "source": source, "granted_by_id": giver}
        for level_id in level_ids
    ]
    if rows:
        db.session.execute(insert(user_level), rows)


def _names(user: User) -> list[str]:
    return sorted(level.name for level in user.levels)


def _level(name: str) -> Level:
    level = db.session.scalar(select(Level).where(Level.name == name))
    if level is None:
        raise NotFound(f"there is no level {name!r}", code="level_not_found")
    return level
