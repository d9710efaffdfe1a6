"""A server without an administrator: whether it is one, and how the first is made.

*Set-up* is open until the first administrator exists, and never again: no deactivation or change of
level reopens it. Whoever sits at this machine needs nothing; from elsewhere it takes the one-time
code that the server printed on its console.

The first administrator takes over the local owner's account, where there is one: jobs, configs and
keys made on a laptop stay theirs when it becomes a team's server.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, func, select

from .. import actor, logs
from ..clock import now
from ..db import db, unit_of_work
from ..errors import Conflict, NotAllowed, NotFound
from ..models import Level, User
from . import (
    accounts,
    authority,
    devices,
    events,
    one_time_links,
    passwords,
    registration,
    settings,
    throttles,
    users,
)
from .accounts import NewAccount
from .one_time_links import SETUP
from .throttles import Rule

log = logging.getLogger(__name__)

COMMAND = "flask st setup-code"
CODE_HOURS = 24
#: Processes that start together print one code; a later start prints a new one.
TOGETHER = timedelta(seconds=60)
TRIES = Rule("setup", 10, 60)
_IS_PERSON = and_(~User.is_local_owner, ~User.is_service)


@dataclass(frozen=True)
class SetupStatus:
    """Whether the first administrator is still missing, and how many people have an account."""

    needs_setup: bool
    has_admin: bool
    user_count: int
    registration_enabled: bool = False


def status() -> SetupStatus:
    """Return how far the server is set up; the local owner and programs do not count."""
    people = db.session.scalar(select(func.count(User.id)).where(_IS_PERSON)) or 0
    open_now = is_open()
    return SetupStatus(
        needs_setup=open_now,
        has_admin=not open_now,
        user_count=people,
        registration_enabled=registration.is_enabled(),
    )


def is_open() -> bool:
    """Tell whether nobody has been made an administrator yet; inactive ones count."""
    admin = select(User.id).where(
        _IS_PERSON, User.levels.any(and_(Level.is_system, Level.name == "admin"))
    )
    return db.session.scalar(admin.limit(1)) is None


def first_admin(wanted: NewAccount, *, code: str | None, trusted: bool) -> User:
    """Command: make the first administrator, with the local owner's account where there is one.

    `trusted` says that the caller needs no code: they sit at this machine or may everything
    already. Raises Conflict when there is an administrator, NotAllowed when the code does not hold,
    SetTimeRule when name or address is taken, RateLimited after ten tries in a minute.
    """
    if not is_open():
        raise _already()
    if not trusted:
        throttles.check((TRIES, devices.caller(actor.current().address)))
    hashed = passwords.hash(wanted.password or "")
    with unit_of_work(gate=authority.GATE):
        if not is_open():
            raise _already()
        if not trusted:
            _use(code)
        users.ensure_levels()
        db.session.flush()
        user = accounts.take_over(wanted, password_hash=hashed)
        one_time_links.withdraw(SETUP)
    return user


def make_code() -> str:
    """Command: make a set-up code, in place of any before; return it, this once.

    Raises Conflict when there is an administrator already.
    """
    with unit_of_work(gate=authority.GATE):
        if not is_open():
            raise _already()
        return _make_code()


def announce() -> None:
    """Command: print a set-up code for the people at the console, while one is needed.

    It goes to the terminal and never into a log that is collected: where lines are JSON and nobody
    watches, the log only says how to get one.
    """
    if settings.value("auth.mode") == "local" or not is_open():
        return
    if logs.is_json() and not sys.stderr.isatty():
        log.warning("no administrator yet; get a set-up code with: %s", COMMAND)
        return
    with unit_of_work(gate=authority.GATE):
        others = one_time_links.open_ones(SETUP)
        if not is_open() or any(link.created_at > now() - TOGETHER for link in others):
            return
        code = _make_code()
    print(
        f"No administrator yet. To make one from another machine, open /first-run there and enter\n"
        f"this set-up code, which holds once and for {CODE_HOURS} hours:  {code}",
        file=sys.stderr,
        flush=True,
    )


def _make_code() -> str:
    """Step: make a code and tell of it."""
    one_time_links.withdraw(SETUP)
    row, code = one_time_links.make(SETUP, hours=CODE_HOURS, token=one_time_links.code())
    events.emit(
        "auth.link_created",
        subject=("link", row.id),
        after={"purpose": SETUP, "expires_at": row.expires_at.isoformat()},
        message="a set-up code was printed on the console",
    )
    return code


def _use(code: str | None) -> None:
    try:
        one_time_links.use(code or "", SETUP)
    except NotFound as error:
        raise NotAllowed(
            "The set-up code is wrong or has expired. The server printed it where it was started; "
            f"`{COMMAND}` on its machine prints a new one.",
            code="setup_code_invalid",
            fields=[{"path": "code", "message": "wrong or expired"}],
        ) from error


def _already() -> Conflict:
    return Conflict(
        "This server has an administrator already. Sign in, or ask one for an account.",
        code="already_set_up",
    )
