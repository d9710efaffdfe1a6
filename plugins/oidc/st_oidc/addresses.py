"""Where this server can be reached during a sign-in, and where a browser may be sent afterwards.

Each provider comes back to an address of its own, so that one cannot answer in another's name; the
shared address of older clients is still served.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from .provider_config import OidcConfig
from .refusals import Refusal

BASES = ("/api/auth/external", "/api/cloud/external-auth")
SIGNED_OUT_PATH = "/login"


def paths(*endings: str) -> list[str]:
    """Return routes below both bases, the preferred base first."""
    return [f"{base}/oidc/{ending}" for base in BASES for ending in endings]


def redirect_uri(provider: str, config: OidcConfig, origin: str, asked: str | None) -> str:
    """Return the address that the provider sends the browser back to.

    Raises Refusal when `asked` is none of this server's own.
    """
    ours = callbacks(provider, origin)
    preferred = config.redirect_url or ours[0]
    if asked in (None, "", preferred):
        return preferred
    if asked in ours:
        return str(asked)
    raise Refusal(
        f"redirect_uri may only be this server's own {preferred}. Leave it out, or set the "
        "provider's redirect_url when this server has another name outside.",
        code="oidc_redirect_uri_refused",
    )


def callbacks(provider: str, origin: str) -> list[str]:
    """Return every callback address of this server, the provider's own first."""
    name = quote(provider, safe="")
    return [
        f"{origin}{path}" for path in paths(f"{name}/callback", "callback", "callback-redirect")
    ]


def signed_out_uri(redirect_url: str | None, origin: str) -> str:
    """Return the page to come back to once the provider has signed somebody out, on the server of
    that registered callback address if there is one."""
    if redirect_url:
        parts = urlsplit(redirect_url)
        origin = f"{parts.scheme}://{parts.netloc}"
    return f"{origin}{SIGNED_OUT_PATH}"
