"""Levels and permissions over HTTP (`/api/users/levels`, `/api/users/meta`)."""

from __future__ import annotations

from flask import Blueprint

from ..models import Level
from ..services import level_grants, levels, rights
from ..services.permission_sources import category
from .guard import current_viewer
from .routing import route
from .schemas import levels as schemas
from .schemas.kinds import Success

blueprint = Blueprint("levels", __name__)
ONE = "/api/users/levels/<int:level_id>"


@route(
    blueprint,
    ["/api/users/meta/levels", "/api/users/levels"],
    permission="admin.levels",
    summary="List levels",
    answers={200: schemas.Levels},
)
def list_levels() -> schemas.Levels:
    """List every level with what it holds, the lowest priority first."""
    counts = level_grants.all_holders()
    found = [_level(each, counts.get(each.id, 0)) for each in levels.all_levels()]
    return schemas.Levels(levels=found)


@route(
    blueprint,
    "/api/users/meta/permissions",
    permission="admin.levels",
    summary="List permissions",
    answers={200: schemas.Permissions},
)
def list_permissions() -> schemas.Permissions:
    """List every permission there is, those of plugins included."""
    known = sorted(rights.catalogue().values(), key=lambda item: item.name)
    return schemas.Permissions(
        permissions=[
            schemas.PermissionEntry(
                id=number, name=item.name, description=item.label, category=category(item.name)
            )
            for number, item in enumerate(known, 1)
        ]
    )


@route(
    blueprint,
    "/api/users/levels",
    methods=["POST"],
    permission="admin.levels",
    summary="Make a level",
    body=schemas.CreateLevelBody,
    answers={201: schemas.LevelWithPermissions},
    errors=[400],
    step_up=True,
)
def create(body: schemas.CreateLevelBody) -> schemas.LevelWithPermissions:
    """Make a level of your own."""
    made = levels.create(
        current_viewer(),
        body.name,
        description=body.description,
        priority=body.priority,
        names=body.permission_names,
    )
    return _level(made, 0)


@route(
    blueprint,
    ONE,
    methods=["PUT", "PATCH"],
    permission="admin.levels",
    summary="Change a level",
    body=schemas.ChangeLevelBody,
    answers={200: schemas.LevelWithPermissions},
    errors=[400, 404, 409],
    step_up=True,
)
def change(level_id: int, body: schemas.ChangeLevelBody) -> schemas.LevelWithPermissions:
    """Change a level; the system's four keep name, priority and permissions."""
    given = body.model_dump(exclude_unset=True)
    given["permissions"] = given.pop("permission_names", None)
    return _changed(levels.change(current_viewer(), level_id, given))


@route(
    blueprint,
    f"{ONE}/permissions",
    methods=["PUT"],
    permission="admin.levels",
    summary="Set what a level holds",
    body=schemas.PermissionsBody,
    answers={200: schemas.LevelWithPermissions},
    errors=[400, 404],
    step_up=True,
)
def set_permissions(level_id: int, body: schemas.PermissionsBody) -> schemas.LevelWithPermissions:
    """Let a level hold exactly these permissions; it holds at once for everybody who has it."""
    changed = {"permissions": body.permission_names}
    return _changed(levels.change(current_viewer(), level_id, changed))


@route(
    blueprint,
    ONE,
    methods=["DELETE"],
    permission="admin.levels",
    summary="Delete a level",
    answers={200: Success},
    errors=[400, 404, 409],
    step_up=True,
)
def delete(level_id: int) -> Success:
    """Delete a custom level; whoever has it loses it."""
    levels.delete(current_viewer(), level_id)
    return Success()


def _changed(row: Level) -> schemas.LevelWithPermissions:
    return _level(row, level_grants.holders(row.id))


def _level(row: Level, user_count: int) -> schemas.LevelWithPermissions:
    return schemas.LevelWithPermissions(
        id=row.id,
        name=row.name,
        description=row.description,
        priority=row.priority,
        is_system=row.is_system,
        permissions=levels.held(row),
        user_count=user_count,
    )
