"""What goes in and out of `/api/audit`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

MOST = 2**53


def _aware(moment: datetime) -> datetime:
    """Take a time without a zone for UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]


class Closed(BaseModel):
    """Something sent to us: names we do not know are refused."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Closed):
    """Where in the list to begin."""

    limit: int = Field(50, ge=1, le=500, description="Most entries to return.")
    offset: int = Field(0, ge=0, le=1_000_000, description="Entries to skip; cursors are quicker.")
    cursor: int | None = Field(None, ge=0, le=MOST, description="`next` of the page before.")


class FilterQuery(Closed):
    """Which entries."""

    event_type: str | None = Field(None, max_length=100, description="A kind, or an alias of one.")
    actor_id: int | None = Field(None, ge=0, le=MOST)
    target_type: str | None = Field(None, max_length=50)
    target_id: str | None = Field(None, max_length=100)
    since: Moment | None = Field(None, description="ISO 8601; without a zone it is UTC.")
    until: Moment | None = Field(None, description="Up to here, itself not included.")
    q: str = Field("", max_length=200, description="Person, message, target, request or address.")
    result: Literal["done", "refused"] | None = None


class ListQuery(PageQuery, FilterQuery):
    """Which entries, and where to begin."""


class ExportQuery(FilterQuery):
    """Which entries, in which form; only a range without another filter can be verified."""

    format: Literal["jsonl", "json", "csv"] = "jsonl"
    start_id: int | None = Field(None, ge=1, le=MOST)
    end_id: int | None = Field(None, ge=1, le=MOST)


class Entry(BaseModel):
    """One entry; `id` is its number, without gaps."""

    id: int
    timestamp: str
    event_type: str
    actor_id: int | None = None
    actor_username: str | None = None
    actor_ip: str | None = None
    on_behalf_of: int | None = None
    door: str
    request_id: str | None = None
    target_type: str | None = None
    target_id: str | None = None
    action: str
    category: str
    severity: str
    message: str
    details: dict[str, Any] = Field(default_factory=dict)
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    event_id: int = Field(description="The event's number in the journal.")
    previous_hash: str
    entry_hash: str


class Entries(BaseModel):
    """Entries, the newest first."""

    entries: list[Entry]
    total: int = Field(description="Entries that fit, exactly.")
    has_more: bool
    next: int | None = Field(None, description="Cursor of the next page; null on the last.")


class Stats(BaseModel):
    """Figures of the log."""

    total_entries: int
    by_type: dict[str, int]
    last_24h: int
    first_entry: str | None = None
    last_entry: str | None = None


class Kind(BaseModel):
    """A kind of event: `value` to filter by, `name` to read."""

    value: str
    name: str


class Kinds(BaseModel):
    """Every kind of event the log knows."""

    event_types: list[Kind]


class RangeQuery(Closed):
    """Which entries to check; without bounds the whole log."""

    start_id: int | None = Field(None, ge=1, le=MOST)
    end_id: int | None = Field(None, ge=1, le=MOST)


class VerifyBody(RangeQuery):
    """Which entries to check, and checkpoints kept elsewhere to check them with."""

    anchors: list[dict[str, Any]] = Field(default_factory=list, max_length=100)


class BrokenLink(BaseModel):
    """Something wrong at entry `id`; entries from `since_id` on may be bad, too."""

    id: int
    since_id: int
    kind: str
    message: str


class Verified(BaseModel):
    """What a check found."""

    valid: bool
    entries_checked: int
    broken_links: list[BrokenLink]
    first_id: int | None = None
    last_id: int | None = None
    first_bad_id: int | None = None
    last_hash: str | None = Field(None, description="Hash of the last entry checked.")
    key: str | None = Field(None, description="Fingerprint of the key in force at that entry.")
    notes: list[str] = Field(description="What could not be checked, and why.")
    seconds: float
    message: str


class Checkpoint(BaseModel):
    """A signed statement on entry `number`. Keep it elsewhere: it is an anchor."""

    at: str
    hash: str
    key: str
    kind: str
    log: str
    number: int
    signature: str


class StreamingBody(Closed):
    """Where entries are sent. What is left out stays; null takes a place away."""

    format: Literal["json", "csv"] | None = None
    webhook_url: str | None = Field(None, max_length=2000)
    auth_token: str | None = Field(
        None, max_length=4000, description="Sent as a Bearer token; an empty text removes it."
    )
    security_only: StrictBool | None = None
    syslog_host: str | None = Field(None, max_length=253)
    syslog_port: int | None = Field(None, ge=1, le=65535)
    syslog_protocol: Literal["udp", "tcp", "tls"] | None = None


class Standing(BaseModel):
    """How a place that entries are sent to keeps up."""

    behind: int = Field(description="Entries it has not taken yet.")
    failures: int = Field(description="Failed tries in a row.")
    error: str | None = None
    delivered_at: datetime | None = None


class Streaming(BaseModel):
    """Where entries are sent; the token is never shown."""

    format: str = "json"
    webhook_url: str | None = None
    auth_token: None = None
    has_auth_token: bool = False
    security_only: bool = False
    syslog_host: str | None = None
    syslog_port: int | None = None
    syslog_protocol: str | None = None
    standing: dict[str, Standing] = Field(default_factory=dict)
