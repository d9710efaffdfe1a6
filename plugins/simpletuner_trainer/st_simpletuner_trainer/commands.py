"""`flask st simpletuner`: the doctor on the command line."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from . import doctor, settings


@click.group("simpletuner")
def group() -> None:
    """Look after the SimpleTuner that this server starts."""


@group.command("doctor")
@click.option("--verbose", is_flag=True, help="Show all that the import said.")
@with_appcontext
def examine(verbose: bool) -> None:
    """Import SimpleTuner in its own Python and show the real error, if there is one."""
    found = doctor.examine(settings.current())
    doctor.remember(current_app.extensions["st"].state_dir, found)
    click.echo(found.summary)
    if found.advice:
        click.echo(f"What to do: {found.advice}")
    if found.output and (verbose or not found.healthy):
        click.echo(f"\n{found.output.rstrip()}", err=True)
    if not found.healthy:
        raise SystemExit(1)


COMMANDS = [group]
