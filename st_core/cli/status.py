"""`simpletuner status` and `simpletuner version`: is the server well, and which one is it."""

from __future__ import annotations

import click

from .. import __version__
from .client import Answered, Client, Unreachable, with_client
from .outcome import ExitCode, leave
from .output import Output, output_options

COMPONENTS = {"component": "name", "status": "status", "ms": "latency_ms", "message": "message"}


@click.command()
@output_options()
@with_client
def status(client: Client, out: Output) -> None:
    """Ask the server how it is; exit code 1 when it is not healthy."""
    try:
        health = client.get("/api/cloud/health")
    except Answered as answered:
        if "components" not in answered.body:
            raise
        health = answered.body
    if out.is_json or out.fields:
        out.one(health, {})
    else:
        click.echo(f"{health['status']} at {client.address.url}")
        out.rows(health, "components", COMPONENTS)
    leave(ExitCode.OK if health["status"] == "healthy" else ExitCode.FAILED)


@click.command()
@output_options()
@with_client
def version(client: Client, out: Output) -> None:
    """Print the version of this command and, when one answers, of the server."""
    try:
        answer = client.get("/api/version")
    except Unreachable:
        answer = {}
    versions = {"command": __version__, "server": answer.get("version")}
    out.one(versions, {"command": "command", "server": "server"})
