"""`flask st audit`: look after the log on the machine of the server, also without one running."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask.cli import with_appcontext

from . import archives, checkpoints, continuing, keys, verification, verifier


@click.group("audit")
def group() -> None:
    """Check and sign the audit log."""


@group.command("verify")
@click.option("--start-id", type=click.IntRange(1), help="The first entry to check.")
@click.option("--end-id", type=click.IntRange(1), help="The last entry to check.")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was kept elsewhere.",
)
@with_appcontext
def verify(start_id: int | None, end_id: int | None, anchors: tuple[Path, ...]) -> None:
    """Check the whole log, or a range of it; exit code 1 when something is wrong."""
    read = []
    for path in anchors:
        try:
            read.append(json.loads(path.read_text("utf-8")))
        except ValueError as error:
            raise click.BadParameter(f"{path} is no checkpoint: {error}") from error
    report, seconds = verification.verify(start_id, end_id, read)
    click.echo(verification.sentence(report, seconds))
    for finding in report.findings:
        click.echo(f"entry {finding.number}: {finding.message}")
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    if not report.valid:
        raise SystemExit(1)


@group.command("checkpoint")
@with_appcontext
def checkpoint() -> None:
    """Sign where the log is now, and print it; keep it elsewhere."""
    click.echo(verifier.canonical(checkpoints.make()))


@group.command("public-key")
@with_appcontext
def public_key() -> None:
    """Print the public keys that checkpoints and exports are checked with."""
    click.echo(keys.pem(), nl=False)


@group.command("verifier")
def verifier_script() -> None:
    """Print the script that checks an export with the public key alone."""
    click.echo(Path(verifier.__file__).read_text("utf-8"), nl=False)


@group.command("archive")
@click.option("--dry-run", is_flag=True, help="Only count.")
@with_appcontext
def archive(dry_run: bool) -> None:
    """Move entries past their time into a file now, instead of once a day."""
    count = archives.purge(dry_run)
    click.echo(f"{count} entries {'would move' if dry_run else 'moved'} to {archives.folder()}")


@group.command("rotate-key")
@with_appcontext
def rotate_key() -> None:
    """Sign with a new key from now on; auditors need the public keys anew."""
    click.echo(f"The key {continuing.rotate_key()} is in force.")


@group.command("resume")
@click.option("--reason", required=True, help="What happened; it stands in the log.")
@with_appcontext
def resume(reason: str) -> None:
    """Go on with a log whose end was moved or whose key is lost; the entry says so."""
    click.echo(f"The audit log goes on with entry {continuing.resume(reason)}.")


COMMANDS = [group]
