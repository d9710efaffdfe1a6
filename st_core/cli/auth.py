"""`simpletuner auth …`: who may come in, and what they may."""

from __future__ import annotations

import click

from .client import Client, with_client
from .lazy import LazyGroup
from .output import Output, output_options, say
from .secret_input import ask, password_option

HERE = "st_core.cli"
STATUS_COLUMNS = {
    "signed in": "authenticated",
    "as": "username",
    "administrator": "is_admin",
    "by": "via",
    "needs set-up": "needs_setup",
    "people": "user_count",
    "sign-in providers": "has_external_providers",
    "registration": "registration_enabled",
}
MADE_COLUMNS = {"id": "user.id", "user": "user.username", "e-mail": "user.email"}


@click.group(
    cls=LazyGroup,
    lazy={
        "users": (f"{HERE}.auth_users:users", "Accounts, their levels, permissions, credentials."),
        "api-keys": (f"{HERE}.auth_api_keys:api_keys", "Make, list and revoke API keys."),
        "orgs": (f"{HERE}.orgs:orgs", "Organisations, their teams and members."),
        "audit": (f"{HERE}.audit:audit", "Read the audit log, and let it be checked."),
    },
)
def auth() -> None:
    """Look after people: who may come in, and what they may."""


@auth.command()
@output_options()
@with_client
def status(client: Client, out: Output) -> None:
    """Tell whether the server is set up, and as whom it knows you."""
    found = {
        **client.get("/api/auth/setup/status"),
        **client.get("/api/users/meta/auth-status"),
        **client.get("/api/auth/check"),
    }
    out.one(found, STATUS_COLUMNS)


@auth.command()
@click.option("-e", "--email", required=True, help="Address of the first administrator.")
@click.option("-u", "--username", required=True, help="Name to sign in with.")
@click.option("-d", "--display-name", help="Name that others see.")
@click.option("--code", "with_code", is_flag=True, help="Ask for the set-up code, too, first.")
@password_option(required=True)
@output_options()
@with_client
def setup(
    client: Client,
    email: str,
    username: str,
    display_name: str | None,
    with_code: bool,
    password: bool,
    out: Output,
) -> None:
    """Make the first administrator.

    From another machine it takes the code that the server printed on its console.
    """
    body = {"email": email, "username": username, "display_name": display_name}
    if with_code:
        body["code"] = ask("Set-up code")
    body["password"] = ask("Password", new=True)
    made = client.post("/api/auth/setup/first-admin", body)
    out.one(made, MADE_COLUMNS)
    say("the server is set up; sign in there, or make yourself an API key")
