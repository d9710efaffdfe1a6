"""`simpletuner auth orgs …`: organisations, their teams, and who is in them."""

from __future__ import annotations

import json
from typing import Any

import click

from . import org_quotas
from .client import Client, with_client
from .outcome import CliError, ExitCode
from .output import Output, confirm, output_options, say

ROOT = "/api/orgs"
GROUP = {"id": "id", "name": "name", "slug": "slug", "active": "is_active"}
ORG_COLUMNS = {**GROUP, "teams": "team_count", "members": "member_count"}
TEAM_COLUMNS = {**GROUP, "members": "member_count"}
ONE = {"description": "description", "settings": "settings", "made": "created_at"}
MEMBER_COLUMNS = {
    "id": "user_id",
    "user": "username",
    "name": "display_name",
    "role": "role",
    "joined": "joined_at",
}
ROLES = click.Choice(["member", "lead", "admin"])


def fields(required: bool) -> Any:
    """Add the options that describe an organisation or a team; a new one also needs a slug."""

    def decorate(command: Any) -> Any:
        options = [
            click.option("--name", required=required, help="What it is called."),
            click.option("--description", help="What it is for."),
            click.option("--settings", help="A JSON object of your own."),
        ]
        if required:
            slug = "Its short name in addresses: small letters, digits, hyphens."
            options.insert(1, click.option("--slug", required=True, help=slug))
        else:
            active = "Whether new jobs may be submitted for it."
            options.append(
                click.option("--active/--inactive", "is_active", default=None, help=active)
            )
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def body_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what was given as a request's body. Raises CliError when settings are no object."""
    given = {name: value for name, value in asked.items() if value is not None}
    if "settings" in given:
        try:
            given["settings"] = json.loads(given["settings"])
        except ValueError as error:
            raise CliError(f"--settings is not JSON: {error}", ExitCode.USAGE) from error
    return given


@click.group()
def orgs() -> None:
    """Organisations, their teams, and who is in them."""


for command in (
    org_quotas.quotas,
    org_quotas.set_quota,
    org_quotas.team_quotas,
    org_quotas.team_set_quota,
):
    orgs.add_command(command)


@orgs.command("list")
@click.option("--include-inactive", is_flag=True, help="Also those that are not active.")
@click.option("-l", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@output_options()
@with_client
def list_orgs(client: Client, include_inactive: bool, limit: int, out: Output) -> None:
    """List the organisations you may know of."""
    found = client.get(ROOT, include_inactive=include_inactive or None, limit=limit)
    out.rows(found, "organizations", ORG_COLUMNS)


@orgs.command()
@click.argument("org_id", type=int)
@output_options()
@with_client
def get(client: Client, org_id: int, out: Output) -> None:
    """Show one organisation."""
    out.one(client.get(f"{ROOT}/{org_id}")["organization"], ORG_COLUMNS | ONE)


@orgs.command()
@fields(required=True)
@output_options()
@with_client
def create(client: Client, out: Output, **asked: Any) -> None:
    """Make an organisation."""
    out.one(client.post(ROOT, body_of(asked))["organization"], ORG_COLUMNS)


@orgs.command()
@click.argument("org_id", type=int)
@fields(required=False)
@output_options()
@with_client
def update(client: Client, org_id: int, out: Output, **asked: Any) -> None:
    """Change an organisation; what is not given stays."""
    answer = client.call("PATCH", f"{ROOT}/{org_id}", body_of(asked))
    out.one(answer["organization"], ORG_COLUMNS | ONE)


@orgs.command()
@click.argument("org_id", type=int)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def delete(client: Client, org_id: int, force: bool) -> None:
    """Delete an organisation with its teams; its jobs stay with those who submitted them."""
    confirm(f"Delete organisation {org_id} with all its teams?", force)
    say(client.call("DELETE", f"{ROOT}/{org_id}")["message"])


@orgs.command()
@click.argument("org_id", type=int)
@click.option("-l", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@output_options()
@with_client
def members(client: Client, org_id: int, limit: int, out: Output) -> None:
    """List who is in an organisation."""
    out.rows(client.get(f"{ROOT}/{org_id}/members", limit=limit), "members", MEMBER_COLUMNS)


@orgs.command("add-member")
@click.argument("org_id", type=int)
@click.argument("user_id", type=int)
@with_client
def add_member(client: Client, org_id: int, user_id: int) -> None:
    """Add somebody to an organisation."""
    say(client.post(f"{ROOT}/{org_id}/members/{user_id}")["message"])


@orgs.command("remove-member")
@click.argument("org_id", type=int)
@click.argument("user_id", type=int)
@with_client
def remove_member(client: Client, org_id: int, user_id: int) -> None:
    """Take somebody out of an organisation and all its teams."""
    say(client.call("DELETE", f"{ROOT}/{org_id}/members/{user_id}")["message"])


@orgs.command()
@click.argument("org_id", type=int)
@click.option("--include-inactive", is_flag=True, help="Also those that are not active.")
@click.option("-l", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@output_options()
@with_client
def teams(client: Client, org_id: int, include_inactive: bool, limit: int, out: Output) -> None:
    """List an organisation's teams."""
    query = {"include_inactive": include_inactive or None, "limit": limit}
    out.rows(client.get(f"{ROOT}/{org_id}/teams", **query), "teams", TEAM_COLUMNS)


@orgs.command("team-create")
@click.argument("org_id", type=int)
@fields(required=True)
@output_options()
@with_client
def team_create(client: Client, org_id: int, out: Output, **asked: Any) -> None:
    """Make a team."""
    out.one(client.post(f"{ROOT}/{org_id}/teams", body_of(asked))["team"], TEAM_COLUMNS)


@orgs.command("team-get")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@output_options()
@with_client
def team_get(client: Client, org_id: int, team_id: int, out: Output) -> None:
    """Show one team."""
    out.one(client.get(f"{ROOT}/{org_id}/teams/{team_id}")["team"], TEAM_COLUMNS | ONE)


@orgs.command("team-update")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@fields(required=False)
@output_options()
@with_client
def team_update(client: Client, org_id: int, team_id: int, out: Output, **asked: Any) -> None:
    """Change a team; what is not given stays."""
    answer = client.call("PATCH", f"{ROOT}/{org_id}/teams/{team_id}", body_of(asked))
    out.one(answer["team"], TEAM_COLUMNS | ONE)


@orgs.command("team-delete")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def team_delete(client: Client, org_id: int, team_id: int, force: bool) -> None:
    """Delete a team; its jobs stay in the organisation."""
    confirm(f"Delete team {team_id}?", force)
    say(client.call("DELETE", f"{ROOT}/{org_id}/teams/{team_id}")["message"])


@orgs.command("team-members")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@click.option("-l", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@output_options()
@with_client
def team_members(client: Client, org_id: int, team_id: int, limit: int, out: Output) -> None:
    """List who is in a team, and as what."""
    path = f"{ROOT}/{org_id}/teams/{team_id}/members"
    out.rows(client.get(path, limit=limit), "members", MEMBER_COLUMNS)


@orgs.command("team-add-member")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@click.option("--user-id", type=int, required=True, help="Who joins.")
@click.option("--role", type=ROLES, default="member", show_default=True)
@with_client
def team_add_member(client: Client, org_id: int, team_id: int, user_id: int, role: str) -> None:
    """Add somebody to a team, and with it to its organisation."""
    body = {"user_id": user_id, "role": role}
    say(client.post(f"{ROOT}/{org_id}/teams/{team_id}/members", body)["message"])


@orgs.command("team-set-role")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@click.option("--user-id", type=int, required=True, help="Whose role changes.")
@click.option("--role", type=ROLES, required=True)
@with_client
def team_set_role(client: Client, org_id: int, team_id: int, user_id: int, role: str) -> None:
    """Give a member of a team another role."""
    path = f"{ROOT}/{org_id}/teams/{team_id}/members/{user_id}"
    say(client.call("PATCH", path, {"role": role})["message"])


@orgs.command("team-remove-member")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@click.argument("user_id", type=int, required=False)
@click.option("--user-id", "named", type=int, help="The same, as an option.")
@with_client
def team_remove_member(
    client: Client, org_id: int, team_id: int, user_id: int | None, named: int | None
) -> None:
    """Take somebody out of a team; they stay in the organisation."""
    who = named if user_id is None else user_id
    if who is None:
        raise CliError("name the user: USER_ID or --user-id", ExitCode.USAGE)
    say(client.call("DELETE", f"{ROOT}/{org_id}/teams/{team_id}/members/{who}")["message"])
