"""Passwords: hashed with Argon2id, checked in the same time whether or not the account exists."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..errors import Malformed

SHORTEST = 8
#: Longer ones gain nothing, and hashing them could be used to keep the server busy.
LONGEST = 1024
#: OWASP's first choice for Argon2id: 19 MiB and two passes, some 20 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: Each hash in progress holds 19 MiB: a burst of sign-ins waits instead of exhausting the memory.
_AT_ONCE = threading.BoundedSemaphore(4)


def hash(password: str) -> str:
    """Return what is stored of a new password, 8 to 1024 characters. Raises Malformed otherwise."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Malformed(
            f"A password has {SHORTEST} to {LONGEST} characters, this one has {len(password)}.",
            fields=[{"path": "password", "message": f"{SHORTEST} to {LONGEST} characters"}],
        )
    with _AT_ONCE:
        return _HASHER.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether `password` is the one stored; None (no such account) takes as long and is
    False."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored or _of_nobody(), password[: LONGEST + 1]) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def is_old(stored: str) -> bool:
    """Tell whether a stored hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _of_nobody() -> str:
    """Return a hash to compare with when there is none."""
    return _HASHER.hash("nobody has this password")
