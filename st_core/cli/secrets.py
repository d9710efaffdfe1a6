"""`flask st secrets`: whether stored secrets can be opened, and a new key for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .outcome import CliError
from .output import Output, output_options, say
from .state import load_app

if TYPE_CHECKING:
    from flask import Flask

    from ..services.sealed_values import Standing

COLUMNS = {"secret": "secret", "what is wrong": "problem"}


@click.group()
def secrets() -> None:
    """Look after the key that seals stored secrets (secret.key in the state folder)."""


@secrets.command()
@output_options()
def check(out: Output) -> None:
    """Try to open every stored secret; exit code 1 when one cannot be, with what to do."""
    from ..services import sealed_values

    with _prepared().app_context():
        found = sealed_values.standing()
    say(f"{found.opened} stored secrets can be opened")
    if found.lost:
        out.rows({"lost": _rows(found)}, "lost", COLUMNS)
        raise CliError(_advice(found))


@secrets.command()
@click.option("--forget", is_flag=True, help="Also drop the last key; stop the server before.")
def rotate(forget: bool) -> None:
    """Make a new key and seal every stored secret under it; the server may go on running.

    Interrupted anywhere, it can be run again: no key goes before everything is under the new one.
    """
    from ..services import sealed_values

    with _prepared().app_context():
        done = sealed_values.rotate(forget=forget)
    say(f"{done.opened} stored secrets are sealed under the new key")
    if done.old_keys:
        say(f"still kept, to open what was sealed before: {', '.join(done.old_keys)}")
    if done.lost:
        raise CliError(f"{_advice(done)} No key was dropped.")


def _prepared() -> Flask:
    from ..boot import prepare

    app = load_app()
    prepare(app)
    return app


def _rows(found: Standing) -> list[dict[str, str]]:
    return [{"secret": name, "problem": why} for name, why in sorted(found.lost.items())]


def _advice(found: Standing) -> str:
    return (
        f"{len(found.lost)} stored secrets cannot be opened: put the key back from the backup, or "
        "set them anew."
    )
