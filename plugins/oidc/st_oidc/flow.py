"""A sign-in through a provider, from the button to the session.

What leaves for the provider is bound to the browser that began (state, nonce, PKCE); what comes
back counts only in that browser, once, and from that provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from authlib.oauth2.client import OAuth2Client

from st_core.contracts import ExternalPerson
from st_core.errors import NotFound
from st_core.services import external_auth, signin
from st_core.services.auth_providers import Record

from . import addresses, claims, discovery, proving, records, states, tokens
from .discovery import Metadata
from .refusals import Refusal, invalid_state
from .states import Begun


@dataclass(frozen=True, repr=False)
class Returned:
    """What a browser brought back in its address, each parameter at most once."""

    state: str | None = None
    code: str | None = None
    issuer: str | None = None
    error: str | None = None
    description: str | None = None


def start(
    provider: str,
    *,
    origin: str,
    asked_redirect_uri: str | None,
    next_path: str,
    browser_secret: str | None,
    again: bool = False,
) -> tuple[Begun, str]:
    """Begin a sign-in; return what to remember it by and the provider's address to go to.

    `origin` is this server as the browser knows it; with `again` the provider is told to ask the
    person, whatever it remembers. Raises NotFound for no such provider, Refusal
    for an address that is not ours or a discovery document that does not fit, ProviderTrouble.
    """
    record = records.enabled(provider)
    config = records.config_of(record)
    redirect_uri = addresses.redirect_uri(record.name, config, origin, asked_redirect_uri)
    metadata = discovery.metadata_of(config)
    begun = states.begin(
        record.name, config.issuer, redirect_uri, next_path, browser_secret, again=again
    )
    client = OAuth2Client(
        None,
        client_id=config.client_id,
        scope=" ".join(config.scopes),
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    url, _ = client.create_authorization_url(
        metadata.authorization_endpoint,
        state=begun.state,
        nonce=begun.nonce,
        code_verifier=begun.code_verifier,
        **(proving.ASKED if again else {}),
    )
    return begun, url


def take(returned: Returned, provider: str | None, browser_secret: str | None) -> Begun:
    """Take the sign-in that comes back, under the address of `provider` if it has one.

    Raises Refusal when it was not begun here, in this browser, with this provider, just now.
    """
    if not returned.state:
        raise invalid_state("oauth_state_missing")
    begun = states.finish(returned.state, browser_secret)
    if provider is not None and provider != begun.provider:
        raise Refusal(
            f"This sign-in was begun with {begun.provider}, but {provider} sent the answer. Begin "
            "again from the sign-in page; if it happens again, one of the two is not honest.",
            code="oidc_mix_up",
        )
    return begun


def finish(returned: Returned, begun: Begun) -> signin.Entry:
    """Finish a sign-in that was taken: check the answer and begin the person's session.

    Raises Refusal naming the check that failed, ProviderTrouble when the provider does not answer,
    NotAllowed when the person may not come in.
    """
    record = _still_enabled(begun)
    config = records.config_of(record)
    if config.issuer != begun.issuer:
        raise Refusal(
            f"The provider {record.name} was changed meanwhile. Begin again from the sign-in page.",
            code="oidc_provider_changed",
        )
    metadata = discovery.metadata_of(config)
    _check_sender(returned, metadata)
    if returned.error is not None:
        raise _declined(returned)
    if not returned.code:
        raise Refusal(
            "The provider's answer holds no code. Begin again from the sign-in page.",
            code="oidc_code_missing",
        )
    given = tokens.redeem(returned.code, begun, metadata, config)
    sources = tokens.sources(given, begun, metadata, config)
    proved_at = proving.proved_at(sources[0], begun, config)
    who = claims.person(
        sources, config, {"id_token": given.id_token}, groups_matter=bool(record.level_mapping)
    )
    return _enter(record, who, proved_at)


def _still_enabled(begun: Begun) -> Record:
    try:
        return records.enabled(begun.provider)
    except NotFound as error:
        raise Refusal(
            f"The provider {begun.provider} was switched off meanwhile. Sign in another way, or "
            "ask an administrator.",
            code="oidc_provider_disabled",
        ) from error


def _enter(record: Record, who: ExternalPerson, proved_at: datetime | None) -> signin.Entry:
    user = external_auth.sign_in(record.name, who)
    return signin.enter(
        user,
        method="oidc",
        provider_id=record.id,
        provider_state=who.provider_state,
        proved_at=proved_at,
    )


def _check_sender(returned: Returned, metadata: Metadata) -> None:
    """Refuse an answer that another provider sent (RFC 9207). Raises Refusal."""
    if returned.issuer == metadata.issuer:
        return
    if returned.issuer is None and not metadata.names_itself:
        return
    raise Refusal(
        f"This sign-in was begun with {metadata.issuer}, but the answer says it comes from "
        f"{(returned.issuer or 'nobody')[:200]}. Begin again from the sign-in page.",
        code="oidc_mix_up",
    )


def _declined(returned: Returned) -> Refusal:
    word = str(returned.error)[:100]
    said = f": {returned.description[:300]}" if returned.description else ""
    return Refusal(
        f"The provider did not sign you in ({word}{said}). Begin again, or ask whoever runs it.",
        code="oidc_declined",
    )
