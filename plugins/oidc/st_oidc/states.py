"""Sign-ins on their way: begun in one browser, finished once in the same one, by any process.

Words: the *state* travels through the provider and comes back in the address; the *browser secret*
stays in a cookie of the browser that began. Both are random; nonce and PKCE verifier are made from
the two together, so neither the address alone nor the database tells them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from st_core.clock import now
from st_core.db import db, table_of, unit_of_work
from st_core.errors import Unavailable

from .models import PendingSignIn
from .refusals import invalid_state

log = logging.getLogger(__name__)

LIFETIME = timedelta(minutes=10)
_STATES = table_of(PendingSignIn)


@dataclass(frozen=True)
class Begun:
    """A sign-in that was begun: what goes to the provider, and what to remember it by."""

    provider: str
    issuer: str
    redirect_uri: str
    next_path: str
    state: str
    browser_secret: str
    begun_at: datetime
    #: The person is to prove to the provider to be there (`again`).
    again: bool = False

    @property
    def nonce(self) -> str:
        """What the ID token must repeat."""
        return self._made("nonce")

    @property
    def code_verifier(self) -> str:
        """The PKCE verifier (RFC 7636): 43 characters."""
        return self._made("verifier")

    def _made(self, purpose: str) -> str:
        text = f"{purpose}:{self.state}".encode()
        digest = hmac.digest(self.browser_secret.encode(), text, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(
    provider: str,
    issuer: str,
    redirect_uri: str,
    next_path: str,
    browser_secret: str | None,
    *,
    again: bool = False,
) -> Begun:
    """Command: begin a sign-in, in the browser of that secret or in one that has none yet.

    Raises Unavailable when it cannot be stored.
    """
    secret = browser_secret or secrets.token_urlsafe(32)
    state, moment = secrets.token_urlsafe(32), now()
    begun = Begun(provider, issuer, redirect_uri, next_path, state, secret, moment, again)
    row = {
        "state_hash": _hash(begun.state),
        "browser_hash": _hash(secret),
        "provider": provider,
        "issuer": issuer,
        "redirect_uri": redirect_uri,
        "next_path": next_path,
        "again": again,
        "created_at": moment,
        "expires_at": moment + LIFETIME,
    }
    try:
        with unit_of_work():
            db.session.execute(delete(_STATES).where(_STATES.c.expires_at <= now()))
            db.session.execute(insert(_STATES).values(row))
    except SQLAlchemyError as error:
        log.error("Failed to store OAuth state: %s", getattr(error, "orig", None) or error)
        raise Unavailable(
            "The sign-in could not be begun: the database does not take its state. The cause is in "
            "the server's log, in the line 'Failed to store OAuth state'.",
            code="oauth_state_not_stored",
        ) from error
    return begun


def finish(state: str, browser_secret: str | None) -> Begun:
    """Command: take a sign-in that comes back, so that nobody can take it again.

    Raises Refusal with the code `oauth_state_unknown` (never begun, or taken already),
    `oauth_state_expired` or `oauth_state_foreign` (begun in another browser).
    """
    mine = _STATES.c.browser_hash == _hash(browser_secret or "")
    named = _STATES.c.state_hash == _hash(state)
    with unit_of_work():
        row = db.session.execute(
            delete(_STATES).where(named, mine).returning(_STATES)
        ).one_or_none()
    if row is None:
        foreign = db.session.scalar(select(func.count()).where(named))
        raise invalid_state("oauth_state_foreign" if foreign else "oauth_state_unknown")
    if row.expires_at <= now():
        raise invalid_state("oauth_state_expired")
    return Begun(
        row.provider,
        row.issuer,
        row.redirect_uri,
        row.next_path,
        state,
        browser_secret or "",
        row.created_at,
        row.again,
    )


def purge(dry_run: bool) -> int:
    """Command: delete the sign-ins nobody came back with in time; return how many."""
    old = _STATES.c.expires_at <= now()
    if dry_run:
        return db.session.scalar(select(func.count()).select_from(_STATES).where(old)) or 0
    with unit_of_work():
        gone = db.session.execute(delete(_STATES).where(old).returning(_STATES.c.state_hash))
        return len(gone.all())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
