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
def reset_admin(username: str | None, password: bool, forget_second_factor: bool) -> None:
    """Make USERNAME (the only administrator, when not named) a full administrator again.

    The account is activated, gets the level admin, and loses what denies it anything. With -p a new
    password is asked for; without, a link to a new password is printed, alone on standard output,
    to be put behind the server's address. It holds once, for an hour.
    """
    from ..actor import Actor, acting
    from ..boot import prepare
    from ..services import rescue

    app = load_app()
    prepare(app)
    given = ask("Password", new=True) if password else None
    with app.app_context(), acting(Actor(name="flask st users reset-admin", door="cli")):
        user, token = rescue.admin(
            username, password=given, forget_second_factor=forget_second_factor
        )
        name = user.username
    if token is None:
        say(f"{name} is an administrator with a new password; every session of theirs has ended")
        return
    say(f"{name} is an administrator. This link sets a new password, once, within an hour:")
    click.echo(f"/reset-password#{token}")
