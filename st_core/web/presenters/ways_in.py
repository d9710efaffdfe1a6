"""What the ways in show: buttons of outside providers, and what went wrong last time.

What an address may make the page say is one of a few sentences of ours; it never brings its own
words, or a link could put any text in front of people who are about to type their password.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from ...contracts import LoginMethod
from ...services import setup, users


class Said(NamedTuple):
    """One sentence above the form; `kind` is a class of notes."""

    kind: str
    icon: str
    text: str


SENTENCES = {
    "signed_out": Said("success", "check-circle-fill", "You are signed out."),
    "password_set": Said(
        "success", "check-circle-fill", "The new password is set. Sign in with it."
    ),
    "session_ended": Said(
        "", "clock-history", "Your session has ended. Sign in to go on where you were."
    ),
    "registration_disabled": Said(
        "warning",
        "exclamation-triangle-fill",
        "Accounts are made by an administrator here. Ask one for an invitation.",
    ),
}
FAILED = Said(
    "danger",
    "x-circle-fill",
    "The sign-in was not finished. Start again; if it fails once more, an administrator finds the "
    "reason in the audit log.",
)


def said(arguments: Mapping[str, str]) -> Said | None:
    """Return what the address of the sign-in page makes it say."""
    if "error" in arguments:
        return SENTENCES.get(arguments["error"], FAILED)
    return SENTENCES.get(arguments.get("said", ""))


def is_new() -> bool:
    """Tell whether nobody has an account here yet, so that the first one is to be made."""
    return not users.others_exist() and not setup.status().has_admin


def may_register() -> bool:
    """Tell whether people may make accounts themselves."""
    return setup.status().registration_enabled


def buttons(methods: Sequence[LoginMethod], after: str) -> list[LoginMethod]:
    """Return the ways in that lead elsewhere and come back to the path `after`."""
    found = [method for method in methods if method.kind != "ldap"]
    return [_coming_back(method, after) for method in found]


def directories(methods: Sequence[LoginMethod]) -> list[LoginMethod]:
    """Return the directories whose passwords the form takes."""
    return [method for method in methods if method.kind == "ldap"]


def _coming_back(method: LoginMethod, after: str) -> LoginMethod:
    sign = "&" if "?" in method.url else "?"
    url = f"{method.url}{sign}next={quote(after, safe='/')}"
    return LoginMethod(method.name, method.label, url, method.kind, method.icon)
