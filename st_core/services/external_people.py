"""People of an outside provider between two sign-ins: brought up to date, and kept out once they
have left."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import select

from ..contracts import ExternalPerson
from ..db import db, retried, unit_of_work
from ..errors import SetTimeRule
from ..models import AuthProvider, ExternalIdentity, User
from . import account_changes, authority, external_auth

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """Somebody active who came in through a provider."""

    user_id: int
    username: str
    subject: str


def active(provider_id: int, issuer: str) -> list[Known]:
    """Return everybody active whom this provider vouched for under this issuer, by id."""
    rows = db.session.execute(
        select(User.id, User.username, ExternalIdentity.subject)
        .join(ExternalIdentity, ExternalIdentity.user_id == User.id)
        .where(
            ExternalIdentity.provider_id == provider_id,
            ExternalIdentity.issuer == issuer,
            User.is_active,
        )
        .order_by(User.id)
    )
    return [Known(user_id, username, subject) for user_id, username, subject in rows]


@retried
def bring_up_to_date(provider_id: int, user_id: int, person: ExternalPerson) -> None:
    """Command: give somebody the levels, e-mail and display name they would get at a sign-in."""
    with unit_of_work(gate=authority.GATE):
        provider, user = db.session.get(AuthProvider, provider_id), db.session.get(User, user_id)
        if provider is None or user is None or not provider.enabled or not user.is_active:
            return
        with external_auth.acting_for(provider.name):
            external_auth.refresh(user, person)
            external_auth.sync_levels(user, provider, person.groups)


@retried
def keep_out(provider_id: int, user_id: int, reason: str) -> bool:
    """Command: deactivate somebody who left; tell whether they are kept out now.

    The last administrator is not, with a line in the log.
    """
    try:
        with unit_of_work(gate=authority.GATE), authority.keeping_an_admin():
            provider, user = (
                db.session.get(AuthProvider, provider_id),
                db.session.get(User, user_id),
            )
            if provider is None or user is None or not provider.enabled or not user.is_active:
                return False
            with external_auth.acting_for(provider.name):
                account_changes.turn(user, active=False, reason=reason)
    except SetTimeRule as error:
        log.error("user %d left the directory but stays active: %s", user_id, error.detail)
        return False
    return True
