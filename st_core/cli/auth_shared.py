"""`simpletuner auth users shared-credentials …`: keys of outside services for everybody's jobs."""

from __future__ import annotations

from urllib.parse import quote

import click

from .auth_credentials import COLUMNS
from .client import Client, with_client
from .output import Output, output_options, say
from .secret_input import ask

SHARED = "/api/credentials/shared"


@click.command()
@output_options()
@with_client
def shared_credentials(client: Client, out: Output) -> None:
    """List the credentials that everybody's jobs may use; values are never shown."""
    out.rows(client.get(SHARED), "credentials", COLUMNS)


@click.command()
@click.option("--provider", required=True, help="Whose service it opens.")
@click.option("--name", required=True, help="Which of its credentials, such as api_token.")
@click.option("--description", help="What it is for.")
@with_client
def set_shared_credential(
    client: Client, provider: str, name: str, description: str | None
) -> None:
    """Share a credential; its value is asked for, or read as a line of standard input."""
    body = {
        "provider": provider,
        "credential_name": name,
        "description": description,
        "value": ask("Value"),
    }
    client.post(SHARED, body)
    say(f"everybody's jobs have the credential {provider}/{name}")


@click.command()
@click.argument("provider")
@click.argument("name")
@with_client
def delete_shared_credential(client: Client, provider: str, name: str) -> None:
    """Share a credential no more."""
    client.call("DELETE", f"{SHARED}/{quote(provider, safe='')}/{quote(name, safe='')}")
    say(f"the shared credential {provider}/{name} is deleted")


@click.command()
@click.option("--provider", help="Only this provider's. [all]")
@click.option("--reason", help="Why, for the audit log.")
@click.option("--erase", is_flag=True, help="End the old values at once, as after a leak.")
@with_client
def rotate_shared_credentials(
    client: Client, provider: str | None, reason: str | None, erase: bool
) -> None:
    """Ask for new values; the old ones are valid until the new ones are proven."""
    done = client.post(f"{SHARED}/rotate", {"provider": provider, "reason": reason, "erase": erase})
    say(done["message"])
