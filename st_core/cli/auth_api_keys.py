"""`simpletuner auth api-keys …`: keys for scripts, and for service accounts."""

from __future__ import annotations

from typing import Any

import click

from .auth_users import names
from .client import Client, with_client
from .output import Output, output_options, say

ROOT = "/api/auth/api-keys"
COLUMNS = {
    "id": "id",
    "key": "key_prefix",
    "name": "name",
    "of": "username",
    "active": "is_active",
    "expires": "expires_at",
    "last used": "last_used_at",
    "only for": "scoped_permissions",
}


@click.group()
def api_keys() -> None:
    """Make, list and revoke API keys."""


@api_keys.command("list")
@click.option("--all", "everybody", is_flag=True, help="Everybody's; needs api.keys.all.")
@click.option("--user-id", type=click.IntRange(1), help="This account's; needs api.keys.all.")
@click.option("-l", "--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@output_options()
@with_client
def list_keys(
    client: Client, everybody: bool, user_id: int | None, limit: int, out: Output
) -> None:
    """List your keys, the newest first."""
    query = {"all": everybody or None, "user_id": user_id, "limit": limit}
    out.rows(client.get(ROOT, **query), "api_keys", COLUMNS)


@api_keys.command()
@click.argument("name")
@click.option("--expires-days", type=click.IntRange(1, 365), help="Days until it ends. [never]")
@click.option("--scopes", help="Only these permissions, names with commas. [all of yours]")
@click.option("--user-id", type=click.IntRange(1), help="For this service account.")
@output_options()
@with_client
def create(
    client: Client,
    name: str,
    expires_days: int | None,
    scopes: str | None,
    user_id: int | None,
    out: Output,
) -> None:
    """Make a key called NAME and print it, this once, alone on standard output."""
    body: dict[str, Any] = {"name": name, "expires_days": expires_days, "user_id": user_id}
    if scopes is not None:
        body["scoped_permissions"] = names(scopes)
    made = client.post(ROOT, body)
    if out.is_json or out.fields:
        out.one(made, {})
    else:
        click.echo(made["key"])
        say("keep it now: it is not shown again")


@api_keys.command()
@click.argument("key_id", type=click.IntRange(1))
@with_client
def revoke(client: Client, key_id: int) -> None:
    """End a key at once and for good."""
    client.call("DELETE", f"{ROOT}/{key_id}")
    say(f"key {key_id} is revoked")
