"""After the fact: what plugins hear once it is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .marker import hookspec

if TYPE_CHECKING:
    from ..models import Event


@hookspec
def st_on_event(event: Event) -> None:
    """React to a fact.

    When:   A, after the commit, from a row of the outbox: at least once.
    Given:  the journal's event.
    Answer: nothing; an exception is tried again later, for this plugin alone.
    Rules:  idempotent by `event.id`; open an own unit of work to write.
    Used by: metrics.
    """


@hookspec
def st_record(entries: Sequence[Mapping[str, Any]]) -> None:
    """Keep a record of facts that must not exist without it.

    When:   T, the last step of every unit of work that emitted events, under the journal's lock.
    Given:  the journal's new rows as mappings of column to value, in order of their numbers.
    Answer: nothing; raising cancels the change that the events speak of.
    Rules:  write through the session; no network, under 5 ms.
    Used by: audit.
    """
