"""`flask st setup-code`: a new one-time code for making the first administrator."""

from __future__ import annotations

import click

from .output import say
from .state import load_app


@click.command("setup-code")
def setup_code() -> None:
    """Print a new set-up code, alone on standard output; codes printed before end.

    Whoever enters it on the server's page /first-run becomes the first administrator.
    """
    from ..boot import prepare
    from ..services import setup

    app = load_app()
    prepare(app)
    with app.app_context():
        code = setup.make_code()
    say(f"Open /first-run and enter this code; it holds once and for {setup.CODE_HOURS} hours:")
    click.echo(code)
