"""Configs by name: how many there are, whose they are, and giving one another name."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from ..clock import now
from ..contracts import Viewer
from ..db import db, unit_of_work
from ..errors import Conflict, Malformed, NotFound
from ..models import Config, User
from . import configs, events

CAP = 1000


def count(query: str | None = None, trainer: str | None = None) -> tuple[int, bool]:
    """Return how many configs a search finds, up to a cap, and whether that is all."""
    some = configs.matching(query, trainer).with_only_columns(Config.id).order_by(None)
    capped = some.limit(CAP + 1).subquery()
    found = db.session.scalar(select(func.count()).select_from(capped)) or 0
    return min(found, CAP), found <= CAP


def people(ids: Iterable[int | None]) -> dict[int, str]:
    """Return the usernames of these people by id."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    rows = db.session.execute(select(User.id, User.username).where(User.id.in_(wanted)))
    return {user_id: username for user_id, username in rows}


def describe(
    viewer: Viewer, name: str, *, new_name: str | None = None, description: str | None = None
) -> Config:
    """Command: give a config another name or description; jobs keep the name they were submitted
    under.

    Raises NotAllowed without `config.edit`, Malformed for a bad name, Conflict when it is taken.
    """
    seen = configs.get(viewer, name)
    configs.require_on(viewer, seen, "config.edit")
    if new_name is not None and not configs.NAME.fullmatch(new_name):
        raise Malformed(
            f"{new_name!r} is no name for a config: letters, digits, ._-[]() and spaces."
        )
    number = seen.id  # it may be gone once the unit of work looks again
    with unit_of_work(gate="submit"):
        config = db.session.get(Config, number, with_for_update=True, populate_existing=True)
        if config is None:
            raise NotFound(f"there is no config named {name!r} any more", code="config_not_found")
        before = {"name": config.name, "description": config.description}
        if new_name is not None and new_name != config.name:
            if db.session.scalar(select(Config.id).where(Config.name == new_name)) is not None:
                raise Conflict(f"a config named {new_name!r} exists already", code="duplicate")
            config.name = new_name
        if description is not None:
            config.description = description
        after = {"name": config.name, "description": config.description}
        if after != before:
            config.updated_at = now()
            events.emit(
                "config.saved",
                subject=("config", config.name),
                owner_id=config.owner_id,
                before=before,
                after=after,
            )
    return config
