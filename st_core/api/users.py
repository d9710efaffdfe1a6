"""Accounts over HTTP, for those who manage users (`/api/users`)."""

from __future__ import annotations

from flask import Blueprint

from ..models import User
from ..services import (
    account_changes,
    account_list,
    accounts,
    level_grants,
    overrides,
    rights,
    users,
)
from ..services.people_list import Wanted
from . import pages
from .guard import current_viewer
from .routing import PUBLIC, route
from .schemas import users as schemas
from .schemas.kinds import Success

blueprint = Blueprint("users", __name__)
ONE = "/api/users/<int:user_id>"


@route(
    blueprint,
    "/api/users",
    permission="admin.users",
    summary="List accounts",
    query=schemas.AccountQuery,
    answers={200: schemas.Accounts},
)
def list_users(query: schemas.AccountQuery) -> schemas.Accounts:
    """List accounts, active ones unless asked otherwise."""
    active = {None: "" if query.include_inactive else "yes", True: "yes", False: "no"}
    found = account_list.page(
        Wanted(query.q, query.level, query.source, active[query.is_active]),
        sort=query.sort.lstrip("-"),
        descending=query.sort.startswith("-"),
        limit=query.limit,
        offset=query.offset,
        after=pages.decode_number(query.cursor),
    )
    return schemas.Accounts(
        users=[account(user) for user in found.users],
        next=pages.encode(str(found.next_after)) if found.next_after else None,
        total=found.total,
    )


@route(
    blueprint,
    "/api/users",
    methods=["POST"],
    permission="admin.users",
    summary="Make an account",
    body=schemas.CreateBody,
    answers={201: schemas.Account},
    errors=[400, 409],
    step_up=True,
)
def create(body: schemas.CreateBody) -> schemas.Account:
    """Make an account for a person, or a service account for a program."""
    levels = dict.fromkeys([*body.level_names, *(["admin"] if body.is_admin else [])])
    wanted = accounts.NewAccount(
        username=body.username,
        email=body.email,
        password=body.password,
        display_name=body.display_name,
        levels=tuple(levels),
        is_service=body.is_service,
    )
    return account(accounts.create(current_viewer(), wanted))


@route(
    blueprint,
    ONE,
    permission="admin.users",
    summary="One account",
    answers={200: schemas.Account},
    errors=[404],
)
def one(user_id: int) -> schemas.Account:
    """Describe an account: who it is, and what it may."""
    return account(users.get(user_id))


@route(
    blueprint,
    ONE,
    methods=["PATCH"],
    permission="admin.users",
    summary="Change an account",
    body=schemas.ChangeBody,
    answers={200: schemas.Account},
    errors=[400, 404],
    step_up=True,
)
def change(user_id: int, body: schemas.ChangeBody) -> schemas.Account:
    """Change an account; a new password ends the person's sessions."""
    given = body.model_dump(exclude_unset=True)
    return account(account_changes.change(current_viewer(), user_id, given))


@route(
    blueprint,
    ONE,
    methods=["DELETE"],
    permission="admin.users",
    summary="Delete an account",
    answers={200: Success},
    errors=[400, 404],
    step_up=True,
)
def delete(user_id: int) -> Success:
    """Delete an account with its sessions and keys; its jobs stay."""
    account_changes.delete(current_viewer(), user_id)
    return Success()


@route(
    blueprint,
    f"{ONE}/deactivate",
    methods=["POST"],
    permission="admin.users",
    summary="Keep somebody out",
    answers={200: Success},
    errors=[400, 404],
    step_up=True,
)
def deactivate(user_id: int) -> Success:
    """Deactivate an account; its sessions and streams end at once, its keys for good."""
    account_changes.set_active(current_viewer(), user_id, False)
    return Success()


@route(
    blueprint,
    f"{ONE}/activate",
    methods=["POST"],
    permission="admin.users",
    summary="Let somebody in again",
    answers={200: Success},
    errors=[404],
)
def activate(user_id: int) -> Success:
    """Activate an account."""
    account_changes.set_active(current_viewer(), user_id, True)
    return Success()


@route(
    blueprint,
    f"{ONE}/levels",
    methods=["POST"],
    permission="admin.levels",
    summary="Give a level",
    body=schemas.LevelBody,
    answers={200: Success},
    errors=[404],
    step_up=True,
)
def assign_level(user_id: int, body: schemas.LevelBody) -> Success:
    """Give a level to somebody; one they have already is fine."""
    level_grants.assign(current_viewer(), user_id, body.level_name)
    return Success()


@route(
    blueprint,
    f"{ONE}/levels/<level_name>",
    methods=["DELETE"],
    permission="admin.levels",
    summary="Take a level",
    answers={200: Success},
    errors=[400, 404],
    step_up=True,
)
def remove_level(user_id: int, level_name: str) -> Success:
    """Take a level from somebody."""
    level_grants.remove(current_viewer(), user_id, level_name)
    return Success()


@route(
    blueprint,
    f"{ONE}/permissions",
    methods=["POST"],
    permission="admin.levels",
    summary="Grant or deny a permission",
    body=schemas.OverrideBody,
    answers={200: Success},
    errors=[400, 404],
    step_up=True,
)
def put_override(user_id: int, body: schemas.OverrideBody) -> Success:
    """Grant a permission to somebody or deny it, whatever their levels say; it holds at once."""
    overrides.put(current_viewer(), user_id, body.permission_name, body.granted)
    return Success()


@route(
    blueprint,
    f"{ONE}/permissions/<permission_name>",
    methods=["DELETE"],
    permission="admin.levels",
    summary="Remove an override",
    answers={200: Success},
    errors=[400, 404],
    step_up=True,
)
def remove_override(user_id: int, permission_name: str) -> Success:
    """Let somebody's levels alone decide about a permission again."""
    overrides.drop(current_viewer(), user_id, permission_name)
    return Success()


@route(
    blueprint,
    "/api/users/meta/auth-status",
    permission=PUBLIC,
    summary="Whether people sign in here",
    answers={200: schemas.AuthStatus},
)
def auth_status() -> schemas.AuthStatus:
    """Tell whether anybody but the person at this machine has an account."""
    return schemas.AuthStatus.model_validate(account_list.auth_status())


def account(user: User) -> schemas.Account:
    """Return an account as its managers see it."""
    return schemas.Account.model_validate(
        {
            **users.describe(user.id),
            "is_admin": rights.has_admin(user),
            "permissions": sorted(rights.held_by(user)),
            "is_service": user.is_service,
            "is_local_owner": user.is_local_owner,
            "overrides": [
                {"permission_name": item.permission, "granted": item.granted}
                for item in sorted(user.overrides, key=lambda item: item.permission)
            ],
        }
    )
