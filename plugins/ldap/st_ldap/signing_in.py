"""Whose password it is, according to the directories: theirs, somebody else's, or nobody's we know.

ldap3 is imported only where a directory is asked.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from st_core.contracts import ExternalPerson, LoginAttempt, LoginMethod, Rejected, SignedIn
from st_core.services import auth_providers
from st_core.services.auth_providers import Record

from .directory_config import LdapConfig

if TYPE_CHECKING:
    import ldap3

    from .searching import Entry

log = logging.getLogger(__name__)
KIND = "ldap"
LONGEST_NAME = 254
#: What Active Directory hides in the message of a refused bind.
_AD_REASONS = {
    "data 52e": "wrong password",
    "data 525": "no such account",
    "data 530": "not at this time of day",
    "data 531": "not from this computer",
    "data 532": "the password has expired",
    "data 533": "the account is disabled",
    "data 701": "the account has expired",
    "data 773": "the password must be changed first",
    "data 775": "the account is locked",
}
_ACCOUNT_DISABLED = 0x2  # a bit of userAccountControl


def login_methods() -> list[LoginMethod]:
    """Return one way in per enabled directory; its password goes into the ordinary form."""
    return [
        LoginMethod(each.name, each.name, f"/login?provider={quote(each.name)}", KIND)
        for each in auth_providers.enabled(KIND)
    ]


def check_password(
    username: str, password: str, attempt: LoginAttempt
) -> SignedIn | Rejected | None:
    """Ask the directories in turn, only the one of the attempt when it names one.

    The first that knows the name decides. None when none knows it; Rejected as unavailable when one
    that might know it did not answer.
    """
    if not 0 < len(username) <= LONGEST_NAME or not username.isprintable():
        return None
    unavailable: Rejected | None = None
    for record in auth_providers.enabled(KIND):
        if attempt.provider not in (None, record.name):
            continue
        answer = _ask(record, username, password)
        if isinstance(answer, Rejected) and answer.unavailable:
            unavailable = answer
        elif answer is not None:
            return answer
    return unavailable


def _ask(record: Record, username: str, password: str) -> SignedIn | Rejected | None:
    """Ask one directory."""
    from . import connecting, searching  # ldap3 is heavy, and start-up has a budget

    if not password:
        return Rejected(record.name, "the password is empty")
    config = config_of(record)
    try:
        with connecting.bound(config) as connection:
            entry = searching.person(connection, config, username)
            if entry is None:
                return None
            if is_disabled(entry):
                return Rejected(record.name, "the account is disabled in the directory")
            if problem := _refusal(config, connection, entry, password):
                return Rejected(record.name, problem)
            return SignedIn(record.name, person_of(record, connection, entry))
    except searching.SeveralMatch as error:
        return Rejected(record.name, str(error))
    except connecting.Trouble as error:
        log.error("the directory %s: %s", record.name, error.detail)
        return Rejected(record.name, f"{error.step}: {error.detail}", unavailable=True)


def _refusal(config: LdapConfig, service: ldap3.Connection, entry: Entry, password: str) -> str:
    """Return why the directory refuses this person's password, empty when it takes it.

    The person has a connection of their own, to the server that was searched, so that the service's
    never becomes theirs.
    """
    from . import connecting

    own = connecting.another(service, config)
    try:
        fits, said = connecting.bind(own, entry.dn, password)
    finally:
        connecting.close(own)
    if fits:
        return ""
    return next((why for mark, why in _AD_REASONS.items() if mark in said), said)


def person_of(record: Record, connection: ldap3.Connection, entry: Entry) -> ExternalPerson:
    """Return an entry as the core knows people, with every group they are in. Raises Trouble."""
    from . import searching

    config = config_of(record)
    spelt = [group for groups in record.level_mapping.values() for group in groups]
    mail = entry.text(config.email_attribute)
    return ExternalPerson(
        issuer=issuer_of(record),
        subject=searching.subject_of(entry),
        username=entry.text(config.name_attribute) or entry.text("cn") or "user",
        email=mail or None,
        email_verified=bool(mail),
        display_name=entry.text(config.display_name_attribute) or entry.text("cn") or None,
        groups=searching.named_groups(searching.groups(connection, config, entry), spelt),
    )


def issuer_of(record: Record) -> str:
    """Return what the people of a directory are known by, beside their own id."""
    return f"ldap:{record.name}"


def is_disabled(entry: Entry) -> bool:
    """Tell whether the directory keeps an account out (Active Directory, FreeIPA, 389)."""
    control = entry.text("userAccountControl")
    if control.lstrip("-").isdigit() and int(control) & _ACCOUNT_DISABLED:
        return True
    return entry.text("nsAccountLock").lower() == "true"


def config_of(record: Record) -> LdapConfig:
    """Return a record's config, which is of this plugin's kind."""
    assert isinstance(record.config, LdapConfig)
    return record.config
