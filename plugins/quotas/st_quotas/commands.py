"""`flask st quotas`: prove that what is reserved is what the jobs say, and repair it."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from . import reconciling


@click.group("quotas")
def group() -> None:
    """Check what jobs have reserved."""


@group.command("reconcile")
@click.option("--check", is_flag=True, help="Only look; exit code 1 when something is wrong.")
@with_appcontext
def reconcile(check: bool) -> None:
    """Compare every reservation with the jobs, and make it right."""
    report = reconciling.reconcile(repair=not check)
    click.echo(report.sentence())
    for name in ("missing", "stale", "different", "uncounted"):
        for job_id in getattr(report, name)[:20]:
            click.echo(f"{name}: job {job_id}")
    if check and report.wrong:
        raise SystemExit(1)


COMMANDS = [group]
