"""`flask st users`: let an administrator in again who is locked out, on the server's machine."""

from __future__ import annotations

import click

from .output import say
from .secret_input import ask, password_option
from .state import load_app


@click.group()
def users() -> None:
    """Let an administrator in who is locked out."""


@users.command("reset-admin")
@click.argument("username", required=False)
@password_option()
@click.option("--forget-second-factor", is_flag=True, help="The phone and the codes are lost, too.")
@click.option(
    "--url",
    metavar="ADDRESS",
    help="Where people open the server, as https://train.example.org. Not given: the address it "
    "listens on, which only this machine may reach.",
)
def reset_admin(
    username: str | None, password: bool, forget_second_factor: bool, url: str | None
) -> None:
    """Make USERNAME (the only administrator, when not named) a full administrator again.

    The account is activated, gets the level admin, and loses what denies it anything. With -p a new
    password is asked for; without, a link to a new password is printed, alone on standard output.
    It holds once, for an hour.
    """
    from ..actor import Actor, acting
    from ..boot import prepare
    from ..services import rescue

    app = load_app()
    prepare(app)
    given = ask("Password", new=True) if password else None
    with app.app_context(), acting(Actor(name="flask st users reset-admin", door="cli")):
        found = rescue.admin(username, password=given, forget_second_factor=forget_second_factor)
        root = (url or _listens_at()).rstrip("/")
    say(f"{found.username} is an administrator and can sign in.")
    for line in found.done:
        say(f"- {line}")
    if found.asks_second_factor:
        say("- a code is still asked for; --forget-second-factor forgets that")
    if found.token is None:
        say(f"Sign in at {root}/login")
        return
    say("Open this link in a browser to set a new password; it holds once, for an hour:")
    click.echo(f"{root}/reset-password#{found.token}")
    if url is None:
        say(f"Where {root} is not how people reach the server, put its own address in its place.")


def _listens_at() -> str:
    """Return the address the server listens on, as its settings say."""
    from ..services import settings
    from .address import Address

    return Address(settings.value("server.host"), settings.value("server.port")).url
