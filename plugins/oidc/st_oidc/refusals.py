"""Why a sign-in does not go on: each refusal tells the person what to do, and the audit log why.

A *refusal's* `code` is the reason the event `auth.login_failure` keeps; its `detail` never holds a
token, a code, a state or a secret.
"""

from __future__ import annotations

from st_core.errors import StError


class Refusal(StError):
    """What came from the browser or the provider cannot be believed (400)."""

    status, code, title = 400, "oidc_refused", "Sign-in failed"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        # it may quote a provider, which may say anything: half characters, line ends, zero bytes
        super().__init__("".join(each if each.isprintable() else "?" for each in detail), code=code)


class ProviderTrouble(Refusal):
    """The provider does not answer, or not as OpenID Connect asks (502)."""

    status, code = 502, "oidc_answer_malformed"


INVALID_STATE = (
    "Invalid OAuth state: this sign-in was begun in another browser, more than 10 minutes ago, or "
    "has been used already. Begin again from the sign-in page. If it happens every time: all "
    "server processes must share one database, and cookies must be allowed for this address."
)


def invalid_state(code: str) -> Refusal:
    """Return the refusal of a state; the caller reads one text whatever was wrong with it."""
    return Refusal(INVALID_STATE, code=code)
