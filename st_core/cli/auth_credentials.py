"""`simpletuner auth users credentials …` and its neighbours: keys of outside services."""

from __future__ import annotations

from urllib.parse import quote

import click

from .auth_users import ROOT, USER_ID
from .client import Client, with_client
from .output import Output, output_options, say
from .secret_input import ask

COLUMNS = {
    "provider": "provider",
    "name": "credential_name",
    "fingerprint": "fingerprint",
    "active": "is_active",
    "stale": "is_stale",
    "value set": "updated_at",
    "description": "description",
}
RETIRED = {"provider": "provider", "name": "credential_name", "status": "status"}
STALE = {"id": "user_id", "user": "username", "old credentials": "stale_count"}
DAYS = click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=90,
    show_default=True,
    help="Older than this many days.",
)


@click.command()
@USER_ID
@click.option("--provider", help="Only this provider's.")
@output_options()
@with_client
def credentials(client: Client, user_id: int, provider: str | None, out: Output) -> None:
    """List somebody's credentials; values are never shown."""
    found = client.get(f"{ROOT}/{user_id}/credentials", provider=provider)
    out.rows(found, "credentials", COLUMNS)


@click.command()
@USER_ID
@click.option("--provider", required=True, help="Whose service it opens.")
@click.option("--name", required=True, help="Which of its credentials, such as api_token.")
@click.option("--description", help="What it is for.")
@with_client
def set_credential(
    client: Client, user_id: int, provider: str, name: str, description: str | None
) -> None:
    """Store a credential; its value is asked for, or read as a line of standard input."""
    body = {
        "provider": provider,
        "credential_name": name,
        "description": description,
        "value": ask("Value"),
    }
    client.post(f"{ROOT}/{user_id}/credentials", body)
    say(f"account {user_id} has the credential {provider}/{name}")


@click.command()
@USER_ID
@click.argument("provider")
@click.argument("name")
@with_client
def delete_credential(client: Client, user_id: int, provider: str, name: str) -> None:
    """Delete a credential."""
    path = f"{quote(provider, safe='')}/{quote(name, safe='')}"
    client.call("DELETE", f"{ROOT}/{user_id}/credentials/{path}")
    say(f"the credential {provider}/{name} of account {user_id} is deleted")


@click.command()
@USER_ID
@click.option("--provider", help="Only this provider's. [all]")
@click.option("--reason", help="Why, for the audit log.")
@click.option("--erase", is_flag=True, help="End the old values at once, as after a leak.")
@output_options()
@with_client
def rotate_credentials(
    client: Client,
    user_id: int,
    provider: str | None,
    reason: str | None,
    erase: bool,
    out: Output,
) -> None:
    """Ask for new values; the old ones are valid until the new ones are proven."""
    body = {"provider": provider, "reason": reason, "erase": erase}
    done = client.post(f"{ROOT}/{user_id}/credentials/rotate", body)
    out.rows(done, "credentials", RETIRED)
    say(done["message"])


@click.command()
@USER_ID
@DAYS
@output_options()
@with_client
def stale_credentials(client: Client, user_id: int, days: int, out: Output) -> None:
    """List somebody's credentials whose value is old."""
    found = client.get(f"{ROOT}/{user_id}/credentials/stale", days=days)
    out.rows(found, "credentials", COLUMNS)


@click.command()
@DAYS
@output_options()
@with_client
def check_stale_credentials(client: Client, days: int, out: Output) -> None:
    """List everybody who has credentials whose value is old."""
    found = client.post(f"{ROOT}/credentials/check-stale", {"days": days})
    out.rows(found, "users", STALE)
