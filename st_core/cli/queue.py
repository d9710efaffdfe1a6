"""`simpletuner queue …`: who is next, the limits, pause and priority."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, with_client
from .outcome import CliError, ExitCode
from .output import Output, output_options, say

ENTRY_COLUMNS = {
    "position": "position",
    "job": "job_id",
    "status": "status",
    "config": "config_name",
    "priority": "effective_priority",
    "by": "username",
    "queued": "queued_at",
    "waits because": "hold_reason",
}
LIMIT_COLUMNS = {
    "everyone together": "max_concurrent",
    "one person": "user_max_concurrent",
    "one team": "team_max_concurrent",
    "this machine's jobs": "local_job_max_concurrent",
    "this machine's GPUs": "local_gpu_max_concurrent",
    "fair share": "enable_fair_share",
}
STATS_COLUMNS = {
    "running": "running",
    "waiting": "queue_depth",
    "average wait (seconds)": "avg_wait_seconds",
    "paused": "paused",
    **LIMIT_COLUMNS,
}
POSITION_COLUMNS = {
    "job": "job_id",
    "position": "position",
    "status": "status",
    "priority": "priority",
    "queued": "queued_at",
    "estimated wait (seconds)": "estimated_wait_seconds",
}


@click.group()
def queue() -> None:
    """See and steer the queue."""


@queue.command("list")
@click.option("-l", "--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("-s", "--status", help="Only entries with this status.")
@output_options()
@with_client
def list_entries(client: Client, limit: int, status: str | None, out: Output) -> None:
    """List what runs and waits, in the order in which it will start."""
    out.rows(client.get("/api/queue", limit=limit, status=status), "entries", ENTRY_COLUMNS)


@queue.command()
@output_options()
@with_client
def stats(client: Client, out: Output) -> None:
    """Show the queue in numbers."""
    out.one(client.get("/api/queue/stats"), STATS_COLUMNS)


@queue.command()
@click.option("--max-concurrent", type=int, help="Jobs at the same time, everyone together.")
@click.option("--user-max-concurrent", type=int, help="One person.")
@click.option("--team-max-concurrent", type=int, help="One team.")
@click.option("--local-job-max-concurrent", type=int, help="On this machine.")
@click.option("--local-gpu-max-concurrent", type=int, help="GPUs of this machine.")
@click.option(
    "--fair-share/--no-fair-share",
    "enable_fair_share",
    default=None,
    help="Within a priority, start first who used least GPU-time lately.",
)
@output_options()
@with_client
def limits(client: Client, out: Output, **asked: int | None) -> None:
    """Show the limits; with options, change them."""
    changes = {name: value for name, value in asked.items() if value is not None}
    if changes:
        answer = client.post("/api/queue/concurrency", changes)
    else:
        answer = client.get("/api/queue/concurrency")
    out.one(answer, LIMIT_COLUMNS)


@queue.command()
@with_client
def pause(client: Client) -> None:
    """Start nothing new; what runs goes on."""
    client.post("/api/queue/pause")
    say("the queue is paused; what runs goes on")


@queue.command()
@with_client
def resume(client: Client) -> None:
    """Let the queue go on."""
    client.post("/api/queue/resume")
    say("the queue goes on")


@queue.command()
@click.argument("job_id")
@click.argument("value", metavar="0-50|default")
@output_options()
@with_client
def priority(client: Client, job_id: str, value: str, out: Output) -> None:
    """Move a waiting job: higher starts earlier; `default` takes the level's own again."""
    if value != "default" and not value.isdecimal():
        raise CliError(f"{value!r} is neither a number from 0 to 50 nor `default`", ExitCode.USAGE)
    body: dict[str, Any] = {"priority": None if value == "default" else int(value)}
    answer = client.post(f"/api/queue/{job_id}/priority", body)
    columns = {"before": "previous_effective_priority", "now": "new_effective_priority"}
    out.one(answer, columns)


@queue.command()
@click.argument("job_id")
@output_options()
@with_client
def position(client: Client, job_id: str, out: Output) -> None:
    """Tell where a job stands in the queue, and how long it will probably wait."""
    out.one(client.get(f"/api/queue/position/{job_id}"), POSITION_COLUMNS)
