"""Who somebody is, as plugins say it: kinds of outside providers, and who a person or request is.

Levels are never named by an outside provider directly: it names *groups*, and the provider's record
here says which level a group means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class ExternalPerson:
    """A person as an outside provider describes them.

    `issuer` and `subject` together are the person for ever (the OIDC issuer and `sub`, or the
    directory and the entry's own unchanging id); name and e-mail may change. `email_verified` tells
    whether the provider vouches for the address. `groups` are names as the provider spells them.
    """

    issuer: str
    subject: str
    username: str
    email: str | None = None
    email_verified: bool = False
    display_name: str | None = None
    groups: tuple[str, ...] = ()
    #: What the provider needs to end its own session too, such as an ID token. Kept sealed.
    provider_state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SignedIn:
    """The password was right: this is the person, according to the provider of that name."""

    provider: str
    person: ExternalPerson


@dataclass(frozen=True)
class Rejected:
    """The account is ours and the password was wrong, or the account may not sign in.

    `reason` is for the audit log and the administrator, never for the person who tries.
    `unavailable` tells that nobody could be asked (a directory that does not answer).
    """

    provider: str
    reason: str
    unavailable: bool = False


@dataclass(frozen=True)
class LoginAttempt:
    """What a password check may know of the attempt besides name and password.

    `provider` limits it to one provider (the account's own, or the one the person chose).
    """

    address: str | None = None
    provider: str | None = None


@dataclass(frozen=True)
class Identity:
    """Who a request without session and key comes from: a user, and why that is believed.

    `user_id` is a row of the core. `via` says which way (`network`). Whatever the user has, the
    request gets no more than the level of the name `level`, and never an administrator's.
    """

    user_id: int
    via: str
    reason: str
    level: str


@dataclass(frozen=True)
class LoginMethod:
    """A button on the sign-in page. `url` is where it leads; `kind` is oidc or ldap.

    `again_url` is where somebody who is signed in proves to the provider to be there still, None
    where it cannot be asked for that.
    """

    name: str
    label: str
    url: str
    kind: str
    icon: str = "box-arrow-in-right"
    again_url: str | None = None


@dataclass(frozen=True)
class TestStep:
    """One step of testing a provider: its name, whether it passed, and what to do if not."""

    __test__ = False  # or pytest takes it for a test

    name: str
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class AuthProviderKind:
    """A kind of outside provider that administrators can add (oidc, ldap).

    `config` validates and normalises a record's config and is what its form is drawn from; its
    fields marked `json_schema_extra={"secret": True}` are stored sealed and never shown. `test`
    walks the connection step by step and stops at the first step that fails. `presets` are named
    starting points (okta, keycloak, ...). `file_section` is the block of the config file that holds
    one provider of this kind, `from_file` turns it into the fields of a record. `addresses` says
    what to register with the provider (callback, sign_out), given a record's name, where browsers
    reach this server, and the stored config.
    """

    kind: str
    title: str
    config: type[BaseModel]
    test: Callable[[str, BaseModel], list[TestStep]]
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    file_section: str | None = None
    from_file: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    addresses: Callable[[str, str, Mapping[str, Any]], Mapping[str, str]] | None = None
