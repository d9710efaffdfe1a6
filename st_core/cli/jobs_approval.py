"""`simpletuner jobs approval …`: what waits for people, and the answer to it."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, with_client
from .outcome import CliError, ExitCode
from .output import Output, output_options, say

ROOT = "/api/approvals"
COLUMNS = {
    "request": "id",
    "job": "job_id",
    "name": "job_name",
    "status": "status",
    "by": "username",
    "cost (USD)": "estimated_cost",
    "hardware": "hardware_type",
    "why": "reason",
    "needs": "required_approver_level",
    "expires": "expires_at",
}
SHEET = {
    **COLUMNS,
    "provider": "provider",
    "config": "config_name",
    "approvals": "approvals",
    "of": "quorum",
    "digest": "digest",
    "answered by": "reviewer",
    "said": "review_notes",
}
RULE_COLUMNS = {
    "rule": "id",
    "name": "name",
    "condition": "condition",
    "threshold": "threshold",
    "priority": "priority",
    "needs": "required_approver_level",
    "people": "quorum",
    "exempt": "exempt_levels",
    "active": "is_active",
    "mode": "mode",
}
STATUSES = ("pending", "approved", "rejected", "expired", "cancelled")
LIMIT = click.IntRange(1, 200)


@click.group()
def approval() -> None:
    """See and answer approval requests."""


@approval.command("list")
@click.option("-s", "--status", type=click.Choice(STATUSES), help="Only these.")
@click.option("-l", "--limit", type=LIMIT, default=50, show_default=True)
@output_options()
@with_client
def list_requests(client: Client, status: str | None, limit: int, out: Output) -> None:
    """List requests, open ones first."""
    out.rows(client.get(f"{ROOT}/requests", status=status, limit=limit), "requests", COLUMNS)


@approval.command()
@click.option("-l", "--limit", type=LIMIT, default=50, show_default=True)
@output_options()
@with_client
def pending(client: Client, limit: int, out: Output) -> None:
    """List what waits for an answer."""
    found = client.get(f"{ROOT}/requests", pending_only=True, limit=limit)
    out.rows(found, "requests", COLUMNS)


@approval.command()
@click.argument("request_id", type=int)
@output_options()
@with_client
def get(client: Client, request_id: int, out: Output) -> None:
    """Show one request."""
    out.one(client.get(f"{ROOT}/requests/{request_id}"), SHEET)


@approval.command()
@click.argument("request_id", type=int)
@click.option("-r", "--reason", help="A note to whoever asked.")
@with_client
def approve(client: Client, request_id: int, reason: str | None) -> None:
    """Say yes; with enough people the job goes to the queue."""
    _answer(client, request_id, "approve", {"notes": reason} if reason else {})


@approval.command()
@click.argument("request_id", type=int)
@click.option("-r", "--reason", help="Why; whoever asked reads it.")
@with_client
def reject(client: Client, request_id: int, reason: str | None) -> None:
    """Say no; the job is cancelled."""
    if not reason:
        raise CliError("a rejection needs a reason: -r 'too dear'", ExitCode.USAGE)
    _answer(client, request_id, "reject", {"reason": reason})


@approval.command()
@click.argument("request_id", type=int)
@with_client
def cancel(client: Client, request_id: int) -> None:
    """Take a request back; its job is cancelled."""
    answer = client.post(f"{ROOT}/requests/{request_id}/cancel")
    say(f"request {request_id} is taken back, job {answer['job_id']} is cancelled")


@approval.command()
@click.option("--active-only", is_flag=True, help="Leave out rules that are off.")
@output_options()
@with_client
def rules(client: Client, active_only: bool, out: Output) -> None:
    """List the rules, in the order in which they are tried."""
    found = client.get(f"{ROOT}/rules", active_only=active_only or None)
    out.rows(found, "rules", RULE_COLUMNS)


@approval.command()
@click.argument("username")
@click.argument("until", metavar="YYYY-MM-DD")
@click.option("-n", "--note", default="", help="Why.")
@with_client
def delegate(client: Client, username: str, until: str, note: str) -> None:
    """Let somebody decide in your place until that day (UTC)."""
    body = {"delegate": username, "ends_at": until, "note": note}
    answer = client.post(f"{ROOT}/delegations", body)
    say(f"{answer['delegate']} decides in your place until {until}")


def _answer(client: Client, request_id: int, verdict: str, body: dict[str, Any]) -> None:
    answer = client.post(f"{ROOT}/requests/{request_id}/{verdict}", body)
    if answer["status"] == "pending":
        say(f"request {request_id}: {answer['approvals']} of {answer['quorum']} have approved")
    else:
        say(f"request {request_id} is {answer['status']} (job {answer['job_id']})")
