"""Who was let in without signing in: told in the log at once, and recorded in the journal.

A script that polls must not drown either: an address is told of once a minute and recorded once an
hour, each time with the number of its requests since.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from st_core.clock import now

#: Not the module's name: one that begins with `st_` would be hidden in the log as a key.
log = logging.getLogger("network_trust")
TELL_AGAIN = timedelta(minutes=1)
RECORD_AGAIN = timedelta(hours=1)
#: Addresses that are remembered; when there are more, the oldest are told of again.
MOST = 5000


@dataclass
class Use:
    """One address: its requests since it was last told of, and since it was last recorded."""

    told_at: datetime
    untold: int = 0
    recorded_at: datetime | None = None
    unrecorded: int = 0
    since: datetime | None = None


@dataclass(frozen=True)
class Record:
    """What is to be recorded of one address."""

    address: str
    requests: int
    since: datetime


class Uses:
    """The addresses of one process."""

    def __init__(self) -> None:
        self._uses: dict[str, Use] = {}
        self._refused: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def admit(self, address: str, request: str, level: str) -> None:
        """Note that `address` was let in for `request` (method and path)."""
        moment = now()
        with self._lock:
            use = self._uses.get(address)
            tell = use is None or moment - use.told_at >= TELL_AGAIN
            if use is None:
                use = self._uses[_room_in(self._uses, address)] = Use(moment)
            use.unrecorded += 1
            use.since = use.since or moment
            untold, use.untold = use.untold, 0 if tell else use.untold + 1
            use.told_at = moment if tell else use.told_at
        more = f" ({untold} more before)" if tell and untold else ""
        grade = logging.INFO if tell else logging.DEBUG
        log.log(grade, "Auth bypassed for IP %s: %s, as %s%s", address, request, level, more)

    def refuse(self, address: str, why: str) -> None:
        """Note that `address` is internal and was still not let in, because of `why`."""
        moment = now()
        with self._lock:
            last = self._refused.get(address)
            if last is not None and moment - last < TELL_AGAIN:
                return
            self._refused[_room_in(self._refused, address)] = moment
        log.warning("Auth not bypassed for IP %s: %s", address, why)

    def due(self, *, all_of_them: bool = False) -> list[Record]:
        """Return what is to be recorded now; it counts as recorded with that."""
        moment, found = now(), []
        with self._lock:
            for address, use in self._uses.items():
                waits = use.recorded_at is not None and moment - use.recorded_at < RECORD_AGAIN
                if use.unrecorded and use.since and (all_of_them or not waits):
                    found.append(Record(address, use.unrecorded, use.since))
                    use.recorded_at, use.unrecorded, use.since = moment, 0, None
        return found

    def put_back(self, records: list[Record]) -> None:
        """Let requests that could not be recorded be recorded with the next ones."""
        with self._lock:
            for record in records:
                if use := self._uses.get(record.address):
                    use.recorded_at, use.unrecorded = None, use.unrecorded + record.requests
                    use.since = record.since


def _room_in(kept: dict[str, Any], key: str) -> str:
    """Forget the address that was kept longest when there are too many; return `key`."""
    if key not in kept and len(kept) >= MOST:
        del kept[next(iter(kept))]
    return key
