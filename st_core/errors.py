"""What can go wrong, as one family. Each error says what was wrong, with which value, and what to
do next.

Words: `code` is stable and machine-readable, `status` is the HTTP status it answers with, `fields`
names each offending field of a request (`{"path": "config.steps", "message": "…"}`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class StError(Exception):
    """The root of every error this product raises on purpose."""

    status = 500
    code = "internal_error"
    title = "Something went wrong"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        fields: Sequence[dict[str, str]] = (),
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.fields = list(fields)
        self.details = details or {}
        self.headers = headers or {}


class Malformed(StError):
    """The request's body or query does not have the promised form (422)."""

    status, code, title = 422, "validation_error", "The request is malformed"


class SetTimeRule(StError):
    """A value is well formed but a rule forbids to set it (400)."""

    status, code, title = 400, "invalid_input", "This value is not allowed"


class NotSignedIn(StError):
    """Nobody is calling, or the credential is not valid (401)."""

    status, code, title = 401, "authentication_error", "Sign in first"

    def __init__(self, detail: str, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"WWW-Authenticate": "Bearer"})
        super().__init__(detail, **kwargs)


class NotFound(StError):
    """There is no such thing, or the viewer may not know of it (404)."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(StError):
    """The thing is not in a state that allows this (409)."""

    status, code, title = 409, "conflict", "Not possible in this state"


class Refused(StError):
    """A gate of the submission pipeline said no; the refusal is recorded."""

    status, code, title = 403, "refused", "The submission was refused"
    #: An event tells of it already.
    is_recorded = False


class SubmissionInvalid(Refused):
    """The config or the request cannot be run as it stands (400)."""

    status, code, title = 400, "invalid_config", "The submission is not valid"


class NotAllowed(Refused):
    """The viewer lacks the permission, or an access rule denies it (403)."""

    status, code, title = 403, "permission_denied", "Not allowed"


class QuotaExceeded(Refused):
    """A limit with action `block` is reached (429)."""

    status, code, title = 429, "quota_exceeded", "A limit is reached"


class RateLimited(StError):
    """Too many tries in too short a time; `Retry-After` says when to come back (429)."""

    status, code, title = 429, "rate_limit_exceeded", "Too many requests"


class Unavailable(StError):
    """Something this answer needs is not there just now (503)."""

    status, code, title = 503, "unavailable", "Not available just now"


class ProviderError(StError):
    """A provider answered with an error or not at all (502)."""

    status, code, title = 502, "provider_error", "The provider failed"


class KeyRefused(ProviderError):
    """A provider does not accept the key it was given; nothing was started (502)."""

    code, title = "key_refused", "The provider refused the key"


class ConfigError(StError):
    """The deployment's configuration is wrong; the server does not start."""

    code, title = "config_error", "The configuration is wrong"


class PluginError(StError):
    """A plugin cannot be found, imported, or breaks a rule of the house; the server does not
    start."""

    code, title = "plugin_error", "A plugin is wrong"
