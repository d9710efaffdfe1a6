"""`simpletuner quota …`: ceilings of people, levels, teams, organisations and everybody."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, with_client
from .output import Output, confirm, output_options, say

ROOT = "/api/quotas"
ACTIONS = click.Choice(["block", "warn", "notify", "require_approval"])
COLUMNS = {
    "id": "id",
    "type": "quota_type",
    "limit": "limit_value",
    "when reached": "action",
    "scope": "scope",
    "whose": "subject",
    "over by": "over_committed_by",
    "mode": "mode",
}
STATUS_COLUMNS = {
    "type": "quota_type",
    "in use": "current",
    "limit": "limit",
    "left": "remaining",
    "from": "source",
    "lowest": "effective_limit",
    "when reached": "action",
}
TYPE_COLUMNS = {"type": "name", "title": "title", "unit": "unit", "seconds": "window_seconds"}


def ceiling_options(command: Any) -> Any:
    """Add the options that describe a ceiling."""
    shadow = "Only record what it would do."
    for option in (
        click.option("--shadow", "mode", flag_value="shadow", default=None, help=shadow),
        click.option("-a", "--action", type=ACTIONS, default="block", show_default=True),
        click.option("-l", "--limit", "limit_value", type=float, required=True, help="At most."),
        click.option("-t", "--type", "quota_type", required=True, help="See `quota types`."),
    ):
        command = option(command)
    return command


def set_ceiling(client: Client, path: str, asked: dict[str, Any], out: Output) -> None:
    """Set the ceiling that the options describe, and show it."""
    body = {name: value for name, value in asked.items() if value is not None}
    out.one(client.post(path, body)["quota"], COLUMNS)


@click.group()
def quota() -> None:
    """See and set ceilings."""


@quota.command("list")
@output_options()
@with_client
def list_quotas(client: Client, out: Output) -> None:
    """List the ceilings you may see."""
    out.rows(client.get(ROOT), "quotas", COLUMNS)


@quota.command()
@ceiling_options
@click.option("--user-id", type=int, help="For one person.")
@click.option("--level-id", type=int, help="For each person of a level.")
@click.option("--team-id", type=int, help="For a team.")
@click.option("--org-id", type=int, help="For an organisation.")
@output_options(short=False)
@with_client
def create(client: Client, out: Output, **asked: Any) -> None:
    """Set a ceiling; without a person, level, team or organisation it is for everybody."""
    set_ceiling(client, ROOT, asked, out)


@quota.command()
@click.argument("quota_id", type=int)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def delete(client: Client, quota_id: int, force: bool) -> None:
    """Remove a ceiling."""
    confirm(f"Remove quota {quota_id}?", force)
    client.call("DELETE", f"{ROOT}/{quota_id}")
    say(f"Quota {quota_id} is removed.")


@quota.command()
@click.option("--user-id", type=int, help="Somebody else's.")
@output_options()
@with_client
def status(client: Client, user_id: int | None, out: Output) -> None:
    """Show what counts for you, what is in use, and what is left."""
    found = client.get(f"{ROOT}/me" if user_id is None else f"{ROOT}/user/{user_id}")
    out.rows(found, "statuses", STATUS_COLUMNS)
    if not out.is_json:
        for reason in found["blocking_reasons"]:
            say(f"No further job: {reason}")


@quota.command()
@output_options()
@with_client
def types(client: Client, out: Output) -> None:
    """List what can be limited."""
    out.rows(client.get(f"{ROOT}/types"), "types", TYPE_COLUMNS)
