"""After the fact: what plugins hear once it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
