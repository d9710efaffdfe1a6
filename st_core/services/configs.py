"""Configs: named, owned, versioned. Every save is a revision; nothing saved is ever changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, or_, select

from ..clock import now
from ..contracts import Problem, Viewer
from ..db import assert_unit_of_work, db, unit_of_work
from ..errors import Conflict, Malformed, NotAllowed, NotFound, SubmissionInvalid
from ..models import Config, Membership, Revision
from . import events, permissions, registries, visibility
from .jobs import digest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._\-\[\]()]{0,99}")


def check(trainer: str, data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return `data` with the trainer's defaults filled in, and every problem at its field.
    Raises NotFound."""
    return registries.trainer(trainer).validate(data)


def page(
    viewer: Viewer,
    *,
    query: str | None = None,
    trainer: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Config]:
    """Return configs by name, after the name `after`. Raises NotAllowed without `config.view`."""
    permissions.require(viewer, "config.view")
    wanted = matching(query, trainer).limit(limit)
    if after:
        wanted = wanted.where(Config.name > after)
    return list(db.session.scalars(wanted))


def matching(query: str | None, trainer: str | None) -> Select[Config]:
    """Return the statement for configs by name; `query` searches name and description."""
    wanted = select(Config).order_by(Config.name)
    if query:
        pattern = (
            "%" + query.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        )
        wanted = wanted.where(
            or_(
                func.lower(Config.name).like(pattern, escape="\\"),
                func.lower(Config.description).like(pattern, escape="\\"),
            )
        )
    if trainer:
        wanted = wanted.where(Config.trainer == trainer)
    return wanted


def get(viewer: Viewer, name: str) -> Config:
    """Return one config. Raises NotAllowed without `config.view`, NotFound."""
    permissions.require(viewer, "config.view")
    found = db.session.scalar(select(Config).where(Config.name == name))
    if found is None:
        raise NotFound(f"there is no config named {name!r}", code="config_not_found")
    return found


def revisions(viewer: Viewer, name: str, *, limit: int = 100) -> list[Revision]:
    """Return a config's revisions, newest first."""
    config = get(viewer, name)
    return list(
        db.session.scalars(
            select(Revision)
            .where(Revision.config_id == config.id)
            .order_by(Revision.number.desc())
            .limit(limit)
        )
    )


def revision(viewer: Viewer, name: str, number: int | None = None) -> Revision:
    """Return one revision, the newest without a number. Raises NotFound."""
    config = get(viewer, name)
    wanted = config.revision if number is None else number
    found = db.session.scalar(
        select(Revision).where(Revision.config_id == config.id, Revision.number == wanted)
    )
    if found is None:
        raise NotFound(f"config {name!r} has no revision {wanted}; its newest is {config.revision}")
    return found


def diff(viewer: Viewer, name: str, old: int, new: int) -> list[dict[str, Any]]:
    """Return what changed between two revisions, by key: added, removed or changed, with both
    values."""
    return compare(revision(viewer, name, old).data, revision(viewer, name, new).data)


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the keys in which two configs differ, sorted: `{key, change, before, after}`."""
    changes = []
    for key in sorted({*old, *new}):
        if key in old and key in new and old[key] == new[key]:
            continue
        change = "changed" if key in old and key in new else "removed" if key in old else "added"
        changes.append(
            {"key": key, "change": change, "before": old.get(key), "after": new.get(key)}
        )
    return changes


# ── commands ──────────────────────────────────────────────────────────────────────────────────────


def create(
    viewer: Viewer,
    name: str,
    trainer: str,
    data: Mapping[str, Any],
    *,
    description: str = "",
    note: str = "",
) -> Config:
    """Command: create a config with its first revision.

    Raises NotAllowed without `config.create`, Malformed for a bad name, SubmissionInvalid with
    every problem at its field, Conflict when the name is taken.
    """
    permissions.require(viewer, "config.create")
    if not NAME.fullmatch(name):
        raise Malformed(
            f"{name!r} is no name for a config: letters, digits, spaces and ._-[]() only, "
            "at most 100, "
            "beginning with a letter or digit.",
            fields=[{"path": "name", "message": "not a valid name"}],
        )
    refuse_problems(trainer, data)
    with unit_of_work(gate="submit"):  # names are unique: who comes second is told, not thrown out
        if db.session.scalar(select(Config.id).where(Config.name == name)) is not None:
            raise Conflict(f"a config named {name!r} exists already", code="duplicate")
        config = Config(
            name=name, trainer=trainer, description=description, owner_id=viewer.user_id
        )
        db.session.add(config)
        db.session.flush()
        add_revision(config, dict(data), note or "created", viewer.user_id)
        events.emit(
            "config.created",
            subject=("config", name),
            owner_id=viewer.user_id,
            after={"trainer": trainer, "data": dict(data)},
        )
    return config


def save(
    viewer: Viewer,
    name: str,
    data: Mapping[str, Any],
    *,
    note: str = "",
    description: str | None = None,
    expected_revision: int | None = None,
) -> Config:
    """Command: save a new revision; saving what is there already makes none.

    Raises SubmissionInvalid with every problem at its field, Conflict when somebody else saved
    since `expected_revision`.
    """
    seen = get(viewer, name)
    require_on(viewer, seen, "config.edit")
    refuse_problems(seen.trainer, data)
    number = seen.id  # it may be gone once the unit of work looks again
    with unit_of_work():
        config = db.session.get(Config, number, with_for_update=True, populate_existing=True)
        if config is None:
            raise NotFound(f"there is no config named {name!r} any more", code="config_not_found")
        if expected_revision is not None and config.revision != expected_revision:
            raise Conflict(
                f"config {name!r} is at revision {config.revision} now, "
                f"you edited {expected_revision}. "
                "Load it again, or compare the two."
            )
        before = db.session.scalars(
            select(Revision).where(
                Revision.config_id == config.id, Revision.number == config.revision
            )
        ).one()
        if description is not None:
            config.description = description
        if before.digest != digest(data):
            add_revision(config, dict(data), note, viewer.user_id)
            events.emit(
                "config.saved",
                subject=("config", name),
                owner_id=config.owner_id,
                before={"revision": before.number, "data": before.data},
                after={"revision": config.revision, "data": dict(data)},
                message=note,
            )
    return config


def restore(viewer: Viewer, name: str, number: int, *, note: str = "") -> Config:
    """Command: save an old revision's content as a new revision."""
    old = revision(viewer, name, number)
    return save(viewer, name, old.data, note=note or f"restored revision {number}")


def delete(viewer: Viewer, name: str) -> None:
    """Command: delete a config and its revisions; jobs keep their snapshots."""
    seen = get(viewer, name)
    require_on(viewer, seen, "config.delete")
    number = seen.id
    with unit_of_work(gate="dispatch"):  # jobs of its revisions change, as they do in a claim
        config = db.session.get(Config, number)
        if config is not None:
            events.emit(
                "config.deleted",
                subject=("config", name),
                owner_id=config.owner_id,
                before={"trainer": config.trainer, "revision": config.revision},
            )
            db.session.delete(config)


def refuse_problems(trainer: str, data: Mapping[str, Any]) -> None:
    """Pass when the trainer finds no problem. Raises SubmissionInvalid with each at its field."""
    _, problems = check(trainer, data)
    if problems:
        raise SubmissionInvalid(
            f"not saved: {len(problems)} problem{'s' if len(problems) > 1 else ''}: "
            + "; ".join(f"{item.path}: {item.message}" for item in problems[:5]),
            fields=[{"path": item.path, "message": item.message} for item in problems],
        )


def add_revision(config: Config, data: dict[str, Any], note: str, author_id: int | None) -> None:
    """Step: add the next revision to a locked config."""
    assert_unit_of_work()
    config.revision += 1
    config.updated_at = now()
    db.session.add(
        Revision(
            config_id=config.id,
            number=config.revision,
            data=data,
            digest=digest(data),
            note=note[:500],
            author_id=author_id,
        )
    )
    db.session.flush()


def may(viewer: Viewer, config: Config, right: str) -> bool:
    """Tell whether the viewer may `right` (`config.edit`) on this config: `.own` or `.all`, which
    ends at the configs of the own organisation's members."""
    if config.owner_id == viewer.user_id and viewer.may(f"{right}.own"):
        return True
    return viewer.may(f"{right}.all") and _in_reach(viewer, config)


def require_on(viewer: Viewer, config: Config, right: str) -> None:
    """Pass when the viewer may `right` on this config. Raises NotAllowed."""
    if may(viewer, config, right):
        return
    permissions.require(viewer, f"{right}.all")
    raise NotAllowed(
        f"Permission denied: config {config.name!r} belongs to another organisation, and "
        f"{right}.all ends at your own. Make a copy to change.",
        details={"permission": f"{right}.all"},
    )


def _in_reach(viewer: Viewer, config: Config) -> bool:
    """Tell whether rights to all configs reach this one: its owner is in the same organisation."""
    if visibility.is_everywhere(viewer):
        return True
    of_owner = select(Membership.org_id).where(Membership.user_id == config.owner_id)
    return visibility.same_org(viewer, list(db.session.scalars(of_owner)))
