"""`simpletuner plugins list`: what the server runs."""

from __future__ import annotations

import click

from .client import Client, with_client
from .output import Output, output_options

COLUMNS = {
    "plugin": "name",
    "version": "version",
    "from": "distribution",
    "enabled": "enabled",
    "what it does": "summary",
}


@click.group()
def plugins() -> None:
    """See which plugins the server runs."""


@plugins.command("list")
@output_options()
@with_client
def list_plugins(client: Client, out: Output) -> None:
    """List the plugins installed on the server."""
    out.rows(client.get("/api/plugins"), "plugins", COLUMNS)
