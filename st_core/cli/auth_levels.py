"""`simpletuner auth users levels …` and its neighbours: levels, and what single people may."""

from __future__ import annotations

from typing import Any

import click

from .auth_users import ROOT, USER_ID, names
from .client import Client, with_client
from .output import Output, confirm, output_options, say

COLUMNS = {
    "id": "id",
    "level": "name",
    "priority": "priority",
    "people": "user_count",
    "system": "is_system",
    "description": "description",
}
SHEET = {**COLUMNS, "holds": "permissions"}
PERMISSIONS = {"permission": "name", "what it lets one do": "description"}
LEVEL_ID = click.argument("level_id", type=click.IntRange(1))
DESCRIPTION = click.option("--description", help="What it is for.")
PRIORITY = click.option("--priority", type=click.IntRange(0, 1000), help="Its rank; admin is 100.")
HELD = click.option("--permissions", "held", help="Everything it holds, names with commas.")


@click.group()
def levels() -> None:
    """List, make, change and delete levels."""


@levels.command("list")
@output_options()
@with_client
def list_levels(client: Client, out: Output) -> None:
    """List every level, the lowest priority first."""
    out.rows(client.get(f"{ROOT}/meta/levels"), "levels", COLUMNS)


@levels.command()
@click.option("--name", required=True, help="What it is called.")
@DESCRIPTION
@PRIORITY
@HELD
@output_options()
@with_client
def create(client: Client, held: str | None, out: Output, **asked: Any) -> None:
    """Make a level."""
    out.one(client.post(f"{ROOT}/levels", _body(held, asked)), SHEET)


@levels.command()
@LEVEL_ID
@click.option("--name", help="Another name.")
@DESCRIPTION
@PRIORITY
@HELD
@output_options()
@with_client
def update(client: Client, level_id: int, held: str | None, out: Output, **asked: Any) -> None:
    """Change a level; what is not named stays."""
    out.one(client.call("PUT", f"{ROOT}/levels/{level_id}", _body(held, asked)), SHEET)


@levels.command()
@LEVEL_ID
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def delete(client: Client, level_id: int, force: bool) -> None:
    """Delete a custom level; whoever has it loses it."""
    confirm(f"Delete level {level_id}? Whoever has it loses it.", force)
    client.call("DELETE", f"{ROOT}/levels/{level_id}")
    say(f"level {level_id} deleted")


@click.command()
@USER_ID
@click.argument("level")
@with_client
def assign_level(client: Client, user_id: int, level: str) -> None:
    """Give a level to somebody."""
    client.post(f"{ROOT}/{user_id}/levels", {"level_name": level})
    say(f"account {user_id} has the level {level}")


@click.command()
@USER_ID
@click.argument("level")
@with_client
def remove_level(client: Client, user_id: int, level: str) -> None:
    """Take a level from somebody."""
    client.call("DELETE", f"{ROOT}/{user_id}/levels/{level}")
    say(f"account {user_id} has the level {level} no more")


@click.command()
@output_options()
@with_client
def permissions(client: Client, out: Output) -> None:
    """List every permission there is."""
    out.rows(client.get(f"{ROOT}/meta/permissions"), "permissions", PERMISSIONS)


@click.command()
@USER_ID
@click.argument("permission")
@click.option("--granted/--denied", default=True, show_default=True)
@with_client
def set_permission(client: Client, user_id: int, permission: str, granted: bool) -> None:
    """Grant one permission to somebody, or deny it, whatever their levels say."""
    body = {"permission_name": permission, "granted": granted}
    client.post(f"{ROOT}/{user_id}/permissions", body)
    say(f"{permission} is {'granted' if granted else 'denied'} to account {user_id}")


@click.command()
@USER_ID
@click.argument("permission")
@with_client
def remove_permission(client: Client, user_id: int, permission: str) -> None:
    """Let somebody's levels alone decide about a permission again."""
    client.call("DELETE", f"{ROOT}/{user_id}/permissions/{permission}")
    say(f"the levels of account {user_id} decide about {permission}")


def _body(held: str | None, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what was given as a request's body."""
    given = {name: value for name, value in asked.items() if value is not None}
    return given if held is None else {**given, "permission_names": names(held)}
