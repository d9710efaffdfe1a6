"""`simpletuner jobs list`, and fetching page after page for whoever needs many jobs."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, with_client
from .output import Output, output_options, say

JOB_COLUMNS = {
    "job": "job_id",
    "status": "status",
    "config": "config_name",
    "provider": "provider",
    "step": "progress.step",
    "of": "progress.total",
    "loss": "progress.loss",
    "submitted": "created_at",
    "seconds": "duration_seconds",
}
PAGE = 200


@click.command("list")
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="Most jobs.",
)
@click.option("-s", "--status", help="Only jobs with this status.")
@click.option("-p", "--provider", help="Only jobs at this provider.")
@click.option("-q", "--search", help="Only jobs whose number, name, config or person has this.")
@output_options()
@with_client
def list_jobs(
    client: Client,
    limit: int,
    status: str | None,
    provider: str | None,
    search: str | None,
    out: Output,
) -> None:
    """List the newest jobs."""
    found = fetch(client, limit=limit, status=status, provider=provider, q=search)
    out.rows(found, "jobs", JOB_COLUMNS)
    if found.get("next") and not out.is_json:
        say(f"there are more than {limit}; --limit shows more")


def fetch(client: Client, limit: int | None, **filters: Any) -> dict[str, Any]:
    """Return at most `limit` jobs (None: every one), newest first, in the form of one answer."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        size = PAGE if limit is None else min(PAGE, limit - len(rows))
        page = client.get("/api/cloud/jobs", limit=size, cursor=cursor, **filters)
        rows += page["jobs"]
        cursor = page.get("next")
        if cursor is None or (limit is not None and len(rows) >= limit):
            return {**page, "jobs": rows}
