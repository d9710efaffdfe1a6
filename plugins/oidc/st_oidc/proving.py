"""When a person proved to the provider to be there: what it is asked, and what its ID token says.

A provider lets people through for hours who proved it once. So where it says when that was
(`auth_time`), that moment counts as the proof, and not the sign-in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from st_core.clock import now

from .provider_config import OidcConfig
from .refusals import Refusal
from .states import Begun

#: What tells a provider to ask the person anew (OpenID Connect Core 3.1.2.1); with `max_age` its
#: ID token must say when that was.
ASKED = {"prompt": "login", "max_age": "0"}


def proved_at(claims: Mapping[str, Any], begun: Begun, config: OidcConfig) -> datetime | None:
    """Return when the person of an ID token proved to be there, None when it does not say.

    Raises Refusal when the person was to prove it again and the token does not show that they did.
    """
    moment = _moment(claims.get("auth_time"))
    if begun.again:
        _require_again(moment, begun, config)
    return min(moment, now()) if moment else None


def _require_again(moment: datetime | None, begun: Begun, config: OidcConfig) -> None:
    if moment is None:
        raise Refusal(
            "The provider does not say when you proved to be there. Let it put auth_time into its "
            "ID tokens (Azure AD: an optional claim), or sign out and in again.",
            code="oidc_auth_time_missing",
        )
    if moment < begun.begun_at - timedelta(seconds=config.clock_skew_seconds + 1):
        raise Refusal(
            "The provider let you through without asking you again, so nothing is confirmed. Sign "
            "out at the provider, then do it again; compare both clocks, see clock_skew_seconds.",
            code="oidc_auth_time_too_old",
        )


def _moment(seconds: Any) -> datetime | None:
    """Return the moment of a claim (seconds since 1970), None when it is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
