"""`simpletuner jobs why ID`: what holds a waiting job, what would start it, and when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from .client import Client, with_client
from .output import Output, output_options, readable

MARKS = {"pass": "passed", "ask": "asks", "wait": "waits", "no": "HELD"}


@click.command()
@click.argument("job_id")
@output_options()
@with_client
def why(client: Client, job_id: str, out: Output) -> None:
    """Tell why a job is waiting, the smallest change that starts it, and when it will start."""
    found = client.get(f"/api/queue/{job_id}/why")
    if out.is_json or out.fields:
        out.one(found, {})
        return
    click.echo(f"Job {found['job_id']} is {found['status']}. {found['sentence']}")
    for gate in found["gates"]:
        held = f"  [{', '.join(gate['held_by'])}]" if gate["held_by"] else ""
        click.echo(f"  {MARKS[gate['result']]:<7} {gate['name']}: {gate['text']}{held}")
    _changes(found)
    _start(found.get("expected") or {})


def _changes(found: Mapping[str, Any]) -> None:
    """Print the ways out, one per line."""
    ways = [way for way in found["smallest_changes"] if way]
    if not ways:
        return
    said = "The smallest change that starts it" if found["is_smallest"] else "What would start it"
    doubt = "" if found["is_proven"] else ", as far as this server can tell"
    click.echo(f"{said}{doubt}:")
    for way in ways:
        click.echo("  or " * (way is not ways[0]) + " and ".join(each["text"] for each in way))


def _start(expected: Mapping[str, Any]) -> None:
    if expected.get("earliest"):
        first, last = readable(expected["earliest"]), readable(expected["latest"])
        click.echo(f"It starts between {first} and {last}, nine times out of ten.")
    if expected.get("unknown"):
        click.echo(f"Not known: {'; '.join(expected['unknown'])}.")
