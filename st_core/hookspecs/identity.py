"""Who is calling: sign-in by others, and what an administrator can add as a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contracts import (
    AuthProviderKind,
    Identity,
    LoginAttempt,
    LoginMethod,
    Rejected,
    SignedIn,
)
from .marker import hookspec

if TYPE_CHECKING:
    from flask import Request


@hookspec
def st_auth_provider_kinds() -> list[AuthProviderKind]:
    """Hand over kinds of outside providers that say who people are.

    When:   R, once.
    Given:  nothing.
    Answer: a list of AuthProviderKind; kinds are unique in the server.
    Rules:  making one connects to nothing; `test` ends within its own timeouts.
    Used by: ldap, oidc.
    """


@hookspec
def st_check_password(
    username: str, password: str, attempt: LoginAttempt
) -> SignedIn | Rejected | None:
    """Say whether this name and password belong together.

    When:   O, at sign-in, plugin by plugin in list order until one answers; the core's own check
            comes last. An account whose provider is known is asked of that provider alone, and a
            local account is asked of nobody.
    Given:  `attempt` with the caller's address and, when the provider is settled, its name.
    Answer: SignedIn, Rejected with the reason, or None for "not an account of mine".
    Rules:  an empty password is refused before anything is sent; every call has a timeout; never
            log the password.
    Used by: ldap.
    """


@hookspec
def st_login_methods() -> list[LoginMethod]:
    """Offer further ways in on the sign-in page.

    When:   Q, when the sign-in page or `/api/auth/external/available` is asked for.
    Given:  nothing.
    Answer: a list of LoginMethod, one per enabled provider.
    Rules:  no network; nothing secret, the page is open to everybody.
    Used by: ldap, oidc.
    """


@hookspec
def st_identify_request(request: Request) -> Identity | None:
    """Say who sends a request that brings neither session nor key.

    When:   Q, on every such request, plugin by plugin in list order until one answers.
    Given:  the request, with the caller's true address as `remote_addr`.
    Answer: Identity, or None for "I do not know".
    Rules:  no network, under 1 ms; what it grants is ambient authority, so the core checks the
            page's origin as for a cookie.
    Used by: network_trust.
    """
