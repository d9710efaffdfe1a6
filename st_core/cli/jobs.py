"""`simpletuner jobs …`: list, look, stop, run again, delete. Submitting and logs are in modules of
their own.
"""

from __future__ import annotations

from typing import Any

import click

from .client import Answered, Client, with_client
from .explaining import why
from .following import ended, follow
from .job_list import JOB_COLUMNS, fetch, list_jobs
from .jobs_approval import approval
from .logs import logs
from .outcome import CliError, ExitCode, leave
from .output import Output, confirm, output_options, print_json, say
from .submitting import submit

FINAL = ("completed", "failed", "cancelled")
SHEET = {
    "job": "job_id",
    "name": "name",
    "status": "status",
    "config": "config_name",
    "provider": "provider",
    "trainer": "trainer",
    "hardware": "hardware_type",
    "stage": "progress.stage",
    "step": "progress.step",
    "of": "progress.total",
    "loss": "progress.loss",
    "seconds left": "progress.eta_seconds",
    "waits because": "hold_reason",
    "attempt": "attempt",
    "position": "queue_position",
    "submitted": "created_at",
    "started": "started_at",
    "ended": "completed_at",
    "seconds": "duration_seconds",
    "cost (USD)": "cost_usd",
    "error": "error_message",
}


@click.group()
def jobs() -> None:
    """Submit, follow, stop and list jobs."""


jobs.add_command(submit)
jobs.add_command(list_jobs)
jobs.add_command(logs)
jobs.add_command(approval)
jobs.add_command(why)


@jobs.command()
@click.argument("job_id")
@click.option("--follow", "following", is_flag=True, help="Show its progress until it ends.")
@output_options()
@with_client
def get(client: Client, job_id: str, following: bool, out: Output) -> None:
    """Show one job."""
    job = follow(client, job_id) if following else client.get(f"/api/cloud/jobs/{job_id}")
    out.one(without_copy(job), SHEET)
    if following:
        leave(ended(job))


def without_copy(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job's answer without the copy of its fields that old clients read under `job`."""
    return {name: value for name, value in job.items() if name != "job"}


@jobs.command()
@click.argument("job_id", required=False)
@click.option("-s", "--status", help="Cancel every job with this status.")
@click.option("--all", "everything", is_flag=True, help="Cancel every job that has not ended.")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def cancel(
    client: Client, job_id: str | None, status: str | None, everything: bool, force: bool
) -> None:
    """Stop a job; a running one saves a checkpoint first."""
    if [job_id is not None, status is not None, everything].count(True) != 1:
        raise CliError("name one job, or give --status or --all", ExitCode.USAGE)
    if job_id is not None:
        client.post(f"/api/cloud/jobs/{job_id}/cancel")
        say(f"job {job_id} is asked to stop")
        return
    confirm(f"Stop every {status or 'waiting or running'} job that you may stop?", force)
    body = {"all": True, "status": [status] if status else []}
    answer = client.post("/api/cloud/jobs/cancel", body)
    for result in answer["results"]:
        say(f"job {result['job_id']} {result['error'] or 'is asked to stop'}")
    say(f"{answer['cancelled']} jobs")
    if not answer["success"]:
        raise CliError("some jobs were refused, see above")


@jobs.command()
@click.argument("job_id")
@with_client
def checkpoint(client: Client, job_id: str) -> None:
    """Let a running job save a checkpoint now."""
    client.post(f"/api/cloud/jobs/{job_id}/checkpoint")
    say(f"job {job_id} is asked for a checkpoint")


@jobs.command()
@click.argument("job_id")
@click.option("--checkpoint", help="Go on from this checkpoint instead of the newest.")
@click.option("--fresh", is_flag=True, help="Begin again from step 0.")
@click.option("--follow", "following", is_flag=True, help="Show its progress until it ends.")
@output_options()
@with_client
def retry(
    client: Client,
    job_id: str,
    checkpoint: str | None,
    fresh: bool,
    following: bool,
    out: Output,
) -> None:
    """Run a failed or cancelled job again, from its newest checkpoint."""
    body = {"checkpoint": checkpoint, "fresh": fresh}
    given = {name: value for name, value in body.items() if value}
    job = client.post(f"/api/cloud/jobs/{job_id}/retry", given)
    if following:
        job = follow(client, job_id)
    out.one(without_copy(job), SHEET)
    if following:
        leave(ended(job))


@jobs.command()
@click.argument("job_id")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def delete(client: Client, job_id: str, force: bool) -> None:
    """Delete an ended job with its log, samples and checkpoints."""
    confirm(f"Delete job {job_id} with its log, samples and checkpoints?", force)
    client.call("DELETE", f"/api/cloud/jobs/{job_id}")
    say(f"job {job_id} deleted")


@jobs.command()
@click.option(
    "-s", "--status", "statuses", multiple=True, type=click.Choice(FINAL), help="May be repeated."
)
@click.option("--all", "everything", is_flag=True, help="Every job that has ended.")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def purge(client: Client, statuses: tuple[str, ...], everything: bool, force: bool) -> None:
    """Delete all ended jobs with a status, with their files."""
    if bool(statuses) == everything:
        raise CliError("say which: --status completed|failed|cancelled, or --all", ExitCode.USAGE)
    ids = _ids(client, list(statuses or FINAL))
    if not ids:
        say("no such job")
        return
    confirm(f"Delete {len(ids)} jobs with their logs, samples and checkpoints?", force)
    refused = 0
    for job_id in ids:
        try:
            client.call("DELETE", f"/api/cloud/jobs/{job_id}")
        except Answered as error:
            refused += 1
            say(f"job {job_id}: {error.message}")
        else:
            say(f"job {job_id} deleted")
    if refused:
        raise CliError(f"{refused} of {len(ids)} jobs were refused")


@jobs.command()
@output_options()
@with_client
def status(client: Client, out: Output) -> None:
    """Tell how many jobs run and wait, and list those that run."""
    stats = client.get("/api/queue/stats")
    running = fetch(client, limit=50, status="running")
    if out.is_json:
        print_json({"running": stats["running"], "queued": stats["queue_depth"], **running})
        return
    say(f"{stats['running']} running, {stats['queue_depth']} waiting")
    out.rows(running, "jobs", JOB_COLUMNS)


def _ids(client: Client, statuses: list[str]) -> list[str]:
    """Return the ids of every job with one of these statuses, oldest first."""
    found = [fetch(client, limit=None, status=status)["jobs"] for status in statuses]
    return sorted((job["job_id"] for page in found for job in page), key=int)
