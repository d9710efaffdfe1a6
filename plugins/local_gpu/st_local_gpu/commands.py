"""`flask st devices`: what of this machine jobs can be given, and who has it."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from . import slots
from .inventory import watch


@click.command("devices")
@with_appcontext
def devices() -> None:
    """Look at this machine now: GPUs, CPU slots, and what keeps one from being given out."""
    reading = watch.look(slots.active_keys()).reading
    taken = slots.taken()
    for device in slots.present():
        job_id = taken.get(device.id)
        state = f"job {job_id}" if job_id else device.trouble or "free"
        click.echo(f"{device.label:16} {device.kind:20} {device.id:42} {state}")
    if reading.problem:
        click.echo(reading.problem, err=True)
    elif not reading.gpus:
        click.echo("No NVIDIA GPU or no driver: jobs here run on the CPU.", err=True)
