"""Active Directory's primary group: everybody is in one (mostly Domain Users), and neither its
`member` nor the person's `memberOf` says so.

The person has the last part of its *SID* in `primaryGroupID`; the rest of it is the domain's, which
the person's own SID begins with. Directories without these attributes have no such group.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ldap3.utils.conv import escape_bytes

if TYPE_CHECKING:
    from .searching import Entry

ATTRIBUTES = ("objectSid", "primaryGroupID")
_HEAD_BYTES, _PART_BYTES, _MOST_PARTS = 8, 4, 15


def filter_for(entry: Entry) -> str | None:
    """Return the filter that finds the primary group of a person, None for somebody without."""
    number = entry.text("primaryGroupID")
    own = next(iter(entry.attributes.get("objectsid", [])), b"")
    if not (number.isdecimal() and int(number) < 1 << 32 and _is_sid(own)):
        return None
    sid = own[:-_PART_BYTES] + struct.pack("<I", int(number))
    return f"(objectSid={escape_bytes(sid)})"


def _is_sid(value: bytes) -> bool:
    """Tell whether these are the bytes of a SID: revision 1, a count of parts, an authority, and
    the parts (MS-DTYP 2.4.2.2)."""
    if len(value) < _HEAD_BYTES + _PART_BYTES or value[0] != 1 or value[1] > _MOST_PARTS:
        return False
    return len(value) == _HEAD_BYTES + _PART_BYTES * value[1]
