"""`simpletuner auth users …`: accounts, as those who manage users see them."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, with_client
from .lazy import LazyGroup
from .output import Output, confirm, output_options, say
from .secret_input import ask, password_option

HERE = "st_core.cli"
ROOT = "/api/users"
COLUMNS = {
    "id": "id",
    "user": "username",
    "name": "display_name",
    "e-mail": "email",
    "active": "is_active",
    "admin": "is_admin",
    "from": "auth_provider",
    "last sign-in": "last_login_at",
}
SHEET = {**COLUMNS, "service account": "is_service", "levels": "levels", "may": "permissions"}
USER_ID = click.argument("user_id", type=click.IntRange(1))


@click.group(
    cls=LazyGroup,
    lazy={
        "levels": (f"{HERE}.auth_levels:levels", "List, make, change and delete levels."),
        "assign-level": (f"{HERE}.auth_levels:assign_level", "Give a level to somebody."),
        "remove-level": (f"{HERE}.auth_levels:remove_level", "Take a level from somebody."),
        "permissions": (f"{HERE}.auth_levels:permissions", "List every permission there is."),
        "set-permission": (
            f"{HERE}.auth_levels:set_permission",
            "Grant or deny one permission to somebody.",
        ),
        "remove-permission": (
            f"{HERE}.auth_levels:remove_permission",
            "Let somebody's levels alone decide again.",
        ),
        "rules": (f"{HERE}.auth_rules:rules", "What people of a level may use."),
        "credentials": (f"{HERE}.auth_credentials:credentials", "List somebody's credentials."),
        "set-credential": (f"{HERE}.auth_credentials:set_credential", "Store a credential."),
        "delete-credential": (
            f"{HERE}.auth_credentials:delete_credential",
            "Delete a credential.",
        ),
        "rotate-credentials": (
            f"{HERE}.auth_credentials:rotate_credentials",
            "Ask for new values of credentials.",
        ),
        "stale-credentials": (
            f"{HERE}.auth_credentials:stale_credentials",
            "List somebody's old credentials.",
        ),
        "check-stale-credentials": (
            f"{HERE}.auth_credentials:check_stale_credentials",
            "List everybody's old credentials.",
        ),
        "shared-credentials": (
            f"{HERE}.auth_shared:shared_credentials",
            "List the credentials that everybody's jobs may use.",
        ),
        "set-shared-credential": (
            f"{HERE}.auth_shared:set_shared_credential",
            "Share a credential.",
        ),
        "delete-shared-credential": (
            f"{HERE}.auth_shared:delete_shared_credential",
            "Share a credential no more.",
        ),
        "rotate-shared-credentials": (
            f"{HERE}.auth_shared:rotate_shared_credentials",
            "Ask for new values of shared credentials.",
        ),
    },
)
def users() -> None:
    """Manage accounts, their levels, permissions and credentials."""


@users.command("list")
@click.option("--include-inactive", is_flag=True, help="Deactivated accounts, too.")
@click.option("-l", "--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, help="Accounts to skip.")
@click.option("-q", "--search", help="Only names and addresses with this.")
@click.option("--level", help="Only those who have this level.")
@output_options()
@with_client
def list_users(
    client: Client,
    include_inactive: bool,
    limit: int,
    offset: int,
    search: str | None,
    level: str | None,
    out: Output,
) -> None:
    """List accounts by name."""
    found = client.get(
        ROOT,
        include_inactive=include_inactive,
        limit=limit,
        offset=offset,
        q=search,
        level=level,
    )
    out.rows(found, "users", COLUMNS)
    if found.get("next") and not out.is_json:
        say(f"there are {found['total']}; --limit and --offset show more")


@users.command()
@output_options()
@with_client
def me(client: Client, out: Output) -> None:
    """Show your own account."""
    out.one(client.get("/api/auth/me"), SHEET)


@users.command()
@USER_ID
@output_options()
@with_client
def get(client: Client, user_id: int, out: Output) -> None:
    """Show one account."""
    out.one(client.get(f"{ROOT}/{user_id}"), SHEET)


@users.command()
@click.option("--email", help="Address; only a service account needs none.")
@click.option("--username", required=True, help="Name to sign in with.")
@click.option("--display-name", help="Name that others see.")
@click.option("--admin", "is_admin", is_flag=True, help="An administrator.")
@click.option("--service", "is_service", is_flag=True, help="For a program: keys, no sign-in.")
@click.option("--levels", default="researcher", show_default=True, help="Names with commas.")
@password_option()
@output_options()
@with_client
def create(
    client: Client, levels: str, password: bool, out: Output, **asked: str | bool | None
) -> None:
    """Make an account."""
    body: dict[str, Any] = {**asked, "level_names": names(levels)}
    if password:
        body["password"] = ask("Password", new=True)
    out.one(client.post(ROOT, body), SHEET)


@users.command()
@USER_ID
@click.option("--email", help="Another address.")
@click.option("--username", help="Another name to sign in with.")
@click.option("--display-name", help="Another name that others see.")
@click.option("--active/--inactive", "is_active", default=None, help="Let in, or keep out.")
@click.option("--admin/--no-admin", "is_admin", default=None, help="An administrator, or none.")
@password_option()
@output_options()
@with_client
def update(
    client: Client, user_id: int, password: bool, out: Output, **asked: str | bool | None
) -> None:
    """Change an account; what is not named stays."""
    body: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if password:
        body["password"] = ask("Password", new=True)
    out.one(client.call("PATCH", f"{ROOT}/{user_id}", body), SHEET)


@users.command()
@USER_ID
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def delete(client: Client, user_id: int, force: bool) -> None:
    """Delete an account with its sessions and keys; its jobs stay."""
    confirm(f"Delete account {user_id} with its sessions, keys and credentials?", force)
    client.call("DELETE", f"{ROOT}/{user_id}")
    say(f"account {user_id} deleted")


@users.command()
@USER_ID
@with_client
def deactivate(client: Client, user_id: int) -> None:
    """Keep somebody out; sessions end at once, keys for good."""
    client.post(f"{ROOT}/{user_id}/deactivate")
    say(f"account {user_id} deactivated")


@users.command()
@USER_ID
@with_client
def activate(client: Client, user_id: int) -> None:
    """Let somebody in again."""
    client.post(f"{ROOT}/{user_id}/activate")
    say(f"account {user_id} activated")


@users.command("auth-status")
@output_options()
@with_client
def auth_status(client: Client, out: Output) -> None:
    """Tell whether people sign in on this server."""
    columns = {
        "people sign in": "in_use",
        "people": "user_count",
        "sign-in providers": "has_external_providers",
    }
    out.one(client.get(f"{ROOT}/meta/auth-status"), columns)


def names(text: str) -> list[str]:
    """Return the names in a text with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]
