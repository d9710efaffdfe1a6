"""`simpletuner auth audit …`: read the audit log of a server, and let it be checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .client import Client, with_client
from .outcome import CliError, ExitCode, leave
from .output import Output, output_options, print_json, say

ROOT = "/api/audit"
COLUMNS = {
    "entry": "id",
    "when": "timestamp",
    "event": "event_type",
    "who": "actor_username",
    "from": "actor_ip",
    "target": "target_type",
    "number": "target_id",
    "message": "message",
}
STATS = {
    "entries": "total_entries",
    "in the last 24 hours": "last_24h",
    "first": "first_entry",
    "last": "last_entry",
    "by kind": "by_type",
}
ENTRY = {
    **COLUMNS,
    "through": "door",
    "request": "request_id",
    "details": "details",
    "before": "before",
    "after": "after",
    "hash": "entry_hash",
}
VERIFIED = {
    "valid": "valid",
    "entries checked": "entries_checked",
    "first": "first_id",
    "last": "last_id",
    "hash of the last": "last_hash",
    "key": "key",
}
LIMIT = click.option("-l", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
OFFSET = click.option("--offset", type=click.IntRange(0), default=0, help="Entries to skip.")


@click.group()
def audit() -> None:
    """Read the audit log, and let it be checked."""


FILTERS = (
    click.option("--event-type", help="Only this kind; `types` lists them."),
    click.option("--actor-id", type=int, help="Only what this account did."),
    click.option("--target-type", help="Only what was done to such a thing: user, job, level …"),
    click.option("--target-id", help="Only what was done to this one."),
    click.option("--since", help="From this moment on (ISO 8601; UTC without a zone)."),
    click.option("--until", help="Before this moment."),
)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which entries."""
    for option in reversed(FILTERS):
        command = option(command)
    return command


@audit.command("list")
@filters
@LIMIT
@OFFSET
@output_options()
@with_client
def list_entries(client: Client, out: Output, **query: Any) -> None:
    """List entries, the newest first."""
    _page(client.get(ROOT, **query), out)


@audit.command()
@click.argument("entry_id", type=click.IntRange(1))
@output_options()
@with_client
def show(client: Client, entry_id: int, out: Output) -> None:
    """Show one entry with what changed."""
    out.one(client.get(f"{ROOT}/entries/{entry_id}"), ENTRY)


@audit.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@filters
@click.option("--start-id", type=click.IntRange(1), help="The first entry.")
@click.option("--end-id", type=click.IntRange(1), help="The last entry.")
@click.option("--csv", "form", flag_value="csv", help="For spreadsheets, instead of JSON lines.")
@with_client
def export(client: Client, target: Path, form: str | None, **query: Any) -> None:
    """Write the log to the file TARGET, oldest first, as JSON lines or CSV.

    JSON lines without a filter but --start-id and --end-id are signed, and can be verified.
    """
    with client.pieces(f"{ROOT}/export", format=form or "jsonl", **query) as pieces:
        try:
            with target.open("wb") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CliError(f"{target} cannot be written: {error.strerror}") from error
    say(f"written: {target}")


@audit.command()
@click.argument("user_id", type=click.IntRange(1))
@LIMIT
@OFFSET
@output_options()
@with_client
def user(client: Client, user_id: int, out: Output, **query: int) -> None:
    """List what one account did."""
    _page(client.get(f"{ROOT}/user/{user_id}", **query), out)


@audit.command()
@LIMIT
@OFFSET
@output_options()
@with_client
def security(client: Client, out: Output, **query: int) -> None:
    """List what concerns security: sign-ins, keys, refusals, the log itself."""
    _page(client.get(f"{ROOT}/security", **query), out)


@audit.command()
@output_options()
@with_client
def stats(client: Client, out: Output) -> None:
    """Show how many entries there are, and of which kinds."""
    out.one(client.get(f"{ROOT}/stats"), STATS)


@audit.command()
@output_options()
@with_client
def types(client: Client, out: Output) -> None:
    """List every kind of event the log knows."""
    out.rows(client.get(f"{ROOT}/types"), "event_types", {"event": "value", "meaning": "name"})


@audit.command()
@click.option("--start-id", type=click.IntRange(1), help="The first entry to check.")
@click.option("--end-id", type=click.IntRange(1), help="The last entry to check.")
@output_options()
@with_client
def verify(client: Client, start_id: int | None, end_id: int | None, out: Output) -> None:
    """Check the whole log, or a range of it; exit code 1 when something is wrong."""
    found = client.get(f"{ROOT}/verify", start_id=start_id, end_id=end_id)
    if out.is_json:
        print_json(found)
    else:
        out.one(found, VERIFIED)
        for broken in found["broken_links"]:
            say(f"entry {broken['id']}: {broken['message']}")
        for note in found["notes"]:
            say(f"note: {note}")
    leave(ExitCode.OK if found["valid"] else ExitCode.FAILED)


def _page(found: dict[str, Any], out: Output) -> None:
    out.rows(found, "entries", COLUMNS)
    if found.get("has_more") and not out.is_json:
        say(f"there are {found['total']}; --limit and --offset show more")
