"""Cursors of lists: opaque outside, the name or number of the last row shown inside."""

from __future__ import annotations

import base64
import binascii

from ..errors import Malformed


def encode(name: str) -> str:
    """Return the cursor that goes on after `name`."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> str | None:
    """Return the name a cursor goes on after, None without one. Raises Malformed when it is not
    ours.
    """
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise Malformed("This cursor was not made by this server; begin without one.") from None


def decode_number(cursor: str | None) -> int | None:
    """Return the number a cursor goes on after, None without one. Raises Malformed when it is not
    ours.
    """
    found = decode(cursor)
    if found is None:
        return None
    if not (found.isascii() and found.isdecimal()) or int(found) >= 2**31:
        raise Malformed("This cursor was not made by this server; begin without one.")
    return int(found)
