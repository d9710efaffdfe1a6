"""The journal as readers see it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from .kinds import Answer, JsonObject, Listing, Query


class Event(Answer):
    """One fact; `id` is its number in the journal, without gaps."""

    id: int
    type: str = Field(description="Its name, `job.queued` for instance.")
    severity: str
    subject_type: str
    subject_id: str
    job_id: str | None = None
    message: str
    data: JsonObject
    actor: str
    timestamp: datetime


class Events(Listing):
    """Facts in order."""

    events: list[Event]
    head: int = Field(description="Number of the newest event there is.")


class RecentQuery(Query):
    """Which facts."""

    limit: int = Field(50, ge=1, le=500)
    after: int | None = Field(None, ge=0, le=2**53, description="Only later ones, oldest first.")
    job_id: str | None = Field(None, max_length=20)


class StreamQuery(Query):
    """Where the stream begins: after this number; not given: with what happens from now on."""

    last_event_id: str | None = Field(None, max_length=20)
    job_id: str | None = Field(None, max_length=20, description="Only what concerns this job.")
