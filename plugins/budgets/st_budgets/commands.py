"""`flask st budgets`: prove that the ledger is right, on the machine of the server."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from . import ledger, reconciling


@click.group("budgets")
def group() -> None:
    """Look after the ledger."""


@group.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Only tell; exit code 1 when something differs.")
@with_appcontext
def reconcile(dry_run: bool) -> None:
    """Compare the ledger with the jobs and repair what differs."""
    found = reconciling.reconcile(repair=not dry_run)
    for one in found:
        click.echo(f"job {one.job_id}: {one.text}")
    broken = reconciling.unbalanced()
    for transfer in broken:
        click.echo(f"transfer {transfer} does not add up to zero", err=True)
    balances = ledger.balances()
    told = ", ".join(f"{name} ${usd}" for name, usd in balances.items())
    click.echo(f"{told}; together ${sum(balances.values())}")
    if broken or (dry_run and found):
        raise SystemExit(1)


COMMANDS = [group]
