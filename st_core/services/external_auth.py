"""People whom an outside provider vouches for: which account they are, and which levels they have.

A person is the provider's issuer and subject, for ever; never a name and never an e-mail address,
which others can take. Levels that came from a provider are *its* levels: given and taken at each
sign-in as the person's groups say. Those given by hand stay.
"""

from __future__ import annotations

import logging
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pydantic import EmailStr, TypeAdapter, ValidationError
from sqlalchemy import func, select

from .. import actor
from ..contracts import ExternalPerson
from ..db import assert_unit_of_work, db, retried, revocable, unit_of_work
from ..errors import NotAllowed, SetTimeRule
from ..models import AuthProvider, ExternalIdentity, Level, User
from . import accounts, authority, level_grants, level_mapping

log = logging.getLogger(__name__)
LONGEST_NAME = 50
#: People without an address we may believe; nothing under this name is ever delivered.
NO_MAIL = "no-mail.invalid"
_ADDRESS: TypeAdapter[str] = TypeAdapter(EmailStr)


@retried
def sign_in(provider_name: str, person: ExternalPerson) -> User:
    """Command: return the account of a person whom this provider has just vouched for.

    Made at the first time where the provider may make accounts; levels, e-mail and display name
    are brought up to date. Raises NotAllowed when the provider is gone or switched off, the account
    inactive, or it may not be made.
    """
    with unit_of_work(gate=authority.GATE), acting_for(provider_name):
        provider = db.session.scalar(select(AuthProvider).where(AuthProvider.name == provider_name))
        if provider is None or not provider.enabled:
            raise NotAllowed(
                f"The sign-in provider {provider_name!r} is switched off.", code="provider_disabled"
            )
        user = _known(provider, person) or _make(provider, person)
        if not user.is_active or user.is_service:
            raise NotAllowed(f"The account {user.username} is inactive.", code="account_inactive")
        refresh(user, person)
        sync_levels(user, provider, person.groups)
    return user


def sync_levels(user: User, provider: AuthProvider, groups: tuple[str, ...]) -> None:
    """Step: give the levels these groups mean, else the default ones; take those they do not mean
    any more. The last administrator stays one, with a line in the log."""
    assert_unit_of_work()
    source = f"provider:{provider.name}"
    there_are = set(db.session.scalars(select(Level.name)))
    meant = level_mapping.levels_of(groups, provider.level_mapping) or provider.default_levels
    others = {name for name, by in level_grants.sources(user.id).items() if by != source}
    wanted = others | (set(meant) & there_are)
    if wanted == {level.name for level in user.levels}:
        return
    was_admin = any(level.name == "admin" for level in user.levels)
    try:
        with revocable():
            level_grants.change(user, wanted, source)
            if was_admin and "admin" not in wanted and not authority.has_full_admin():
                raise _LastAdmin
    except _LastAdmin:
        db.session.refresh(user)
        level_grants.change(user, wanted | {"admin"}, source)
        log.warning(
            "%s is in no admin group of %s any more, but stays administrator: there is no other",
            user.username,
            provider.name,
        )


class _LastAdmin(Exception):
    """Taking these levels would leave nobody who can administer the server."""


@contextmanager
def acting_for(provider_name: str) -> Iterator[None]:
    """Let what happens inside be done by the provider, from where the person is."""
    who = replace(actor.current(), name=f"sign-in provider {provider_name}", user_id=None)
    with actor.acting(who):
        yield


def _known(provider: AuthProvider, person: ExternalPerson) -> User | None:
    """Return the account of a person who was here before."""
    identity = db.session.scalar(
        select(ExternalIdentity).where(
            ExternalIdentity.issuer == person.issuer, ExternalIdentity.subject == person.subject
        )
    )
    if identity is None:
        return None
    identity.provider_id = provider.id
    return db.session.get_one(User, identity.user_id)


def _make(provider: AuthProvider, person: ExternalPerson) -> User:
    """Step: make the account of somebody new. Raises NotAllowed when it may not be made."""
    if not provider.auto_create_users:
        raise NotAllowed(
            f"{provider.name} vouches for {person.username}, but makes no accounts here. Ask an "
            "administrator for one.",
            code="account_not_provisioned",
        )
    make = accounts.add if authority.has_full_admin() else accounts.take_over
    user = make(
        accounts.NewAccount(
            username=_free_name(person.username),
            email=_address(person) or f"{secrets.token_hex(8)}@{NO_MAIL}",
            display_name=_shown(person),
        ),
        auth_provider=provider.kind,
        email_verified=_address(person) is not None,
    )
    db.session.add(
        ExternalIdentity(
            user_id=user.id, provider_id=provider.id, issuer=person.issuer, subject=person.subject
        )
    )
    meant = level_mapping.levels_of(person.groups, provider.level_mapping)
    if not authority.has_full_admin() and "admin" not in meant:
        raise NotAllowed(
            "This server has no administrator yet, so nobody else can come in. Make one first "
            "(simpletuner auth setup).",
            code="first_account_must_be_admin",
        )
    return user


def refresh(user: User, person: ExternalPerson) -> None:
    """Step: take over a new display name, and a verified address nobody else has."""
    new: dict[str, Any] = {"display_name": _shown(person) or user.display_name}
    address = _address(person, but=user.id)
    if address is not None:
        new |= {"email": address, "email_verified": True}
    accounts.update(user, new)


def _address(person: ExternalPerson, but: int = 0) -> str | None:
    """Return the person's address when the provider vouches for it and nobody else has it."""
    if not person.email or not person.email_verified:
        return None
    try:
        address = _ADDRESS.validate_python(person.email)
        accounts.require_free(email=address, but=but)
    except (ValidationError, SetTimeRule):
        return None
    return address if len(address) <= 254 else None


def _shown(person: ExternalPerson) -> str | None:
    text = "".join(letter for letter in person.display_name or "" if letter.isprintable())
    return text.strip()[:100] or None


def _free_name(wanted: str) -> str:
    """Return a user name like the wanted one that nobody has."""
    plain = unicodedata.normalize("NFKD", wanted.split("@")[0]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:LONGEST_NAME]
    name = name if len(name) >= 3 else f"user-{name}".rstrip("-")
    taken = set(
        db.session.scalars(
            select(func.lower(User.username)).where(
                func.lower(User.username).startswith(name.lower()[: LONGEST_NAME - 6])
            )
        )
    )
    candidate, number = name, 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{name[: LONGEST_NAME - len(str(number)) - 1]}-{number}"
    return candidate
