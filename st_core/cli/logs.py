"""`simpletuner jobs logs`: a job's log as it was written, and with `-f` as it is being written."""

from __future__ import annotations

import time
from typing import Any

import click

from .client import Client, Unreachable, with_client
from .outcome import CliError, ExitCode
from .output import print_json, say

POLL_SECONDS = 0.5
PIECE_BYTES = 1 << 20


@click.command()
@click.argument("job_id")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the job has ended.")
@click.option("--tail", type=click.IntRange(1), metavar="BYTES", help="Only the last bytes.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json prints one object and cannot follow.",
)
@with_client
def logs(client: Client, job_id: str, following: bool, tail: int | None, form: str) -> None:
    """Print a job's log."""
    if form == "json":
        if following:
            raise CliError("--format json prints one object; it cannot follow", ExitCode.USAGE)
        print_json(client.get(f"/api/cloud/jobs/{job_id}/logs", tail=tail))
        return
    try:
        _print(client, job_id, following, tail)
    except KeyboardInterrupt:
        raise CliError(f"no longer following; job {job_id} goes on", ExitCode.INTERRUPTED) from None


def _print(client: Client, job_id: str, following: bool, tail: int | None) -> None:
    """Write piece after piece from where the last one ended, so that nothing is lost or doubled."""
    piece = _piece(client, job_id, tail=tail) if tail else _piece(client, job_id, after=0)
    while True:
        click.echo(piece["logs"], nl=False)
        at_the_end = piece["next"] >= piece["size_bytes"]
        if piece["is_complete"] or (at_the_end and not following):
            return
        if at_the_end:
            time.sleep(POLL_SECONDS)
        piece = _next(client, job_id, piece)


def _piece(client: Client, job_id: str, **where: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(
        f"/api/cloud/jobs/{job_id}/logs", limit=PIECE_BYTES, **where
    )
    return answer


def _next(client: Client, job_id: str, piece: dict[str, Any]) -> dict[str, Any]:
    """Return the next piece; while the server is away an empty one, after a word about it."""
    try:
        return _piece(client, job_id, after=piece["next"])
    except Unreachable:
        say("the server does not answer; asking again …")
        time.sleep(POLL_SECONDS * 4)
        return {**piece, "logs": ""}
