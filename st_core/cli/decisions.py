"""`flask st decisions …`: the record of decisions, decided again on the machine of the server."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from .outcome import CliError
from .output import Output, output_options, say
from .state import load_app

DIFFERENCES = {"decision": "decision_id", "policy": "policy", "what differs": "text"}
WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def decisions() -> None:
    """Look into the record of decisions."""


@decisions.command()
@click.option("--since", type=WHEN, help="Only decisions from this day or moment (UTC) on. [all]")
@output_options()
def replay(since: datetime | None, out: Output) -> None:
    """Decide every recorded submission again and name each difference; exit code 1 for any."""
    from ..services import decision_record

    moment = since.replace(tzinfo=UTC) if since else None
    total, rows = 0, []
    with load_app().app_context():
        for found in decision_record.replay_all(moment):
            total += 1
            rows += [
                {"decision_id": found.decision_id, "policy": one.policy, "text": one.text}
                for one in found.differences
            ]
    out.rows({"decisions": total, "differences": rows}, "differences", DIFFERENCES)
    differing = len({row["decision_id"] for row in rows})
    say(f"{total} decisions made again, {total - differing} the same, {differing} otherwise")
    if differing:
        raise CliError(f"{differing} decisions come out otherwise, see above")
