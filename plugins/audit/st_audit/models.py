"""The tables of the audit log.

Words: the *log* is one chain of entries under one id; the *head* says where it ends; a *seal* is a
keyed hash only this server can make; a *segment* is a run of entries that moved into a file.

What an entry says is stored as the text that was hashed: times and JSON are text here, so that
nothing a database does to a value can change what it says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from st_core.db import Model, UtcDateTime

BigId = BigInteger().with_variant(Integer, "sqlite")


class AuditEntry(Model):
    """One fact. `number` has no gaps; `event_id` is its number in the journal.

    `timestamp` is UTC to the microsecond, `details`, `before` and `after` are canonical JSON,
    `category` is that of the event's type. `seal` and `entry_hash` cover every field.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_event_type", "event_type", "number"),
        Index("ix_audit_entry_actor_id", "actor_id", "number"),
        Index("ix_audit_entry_target", "target_type", "target_id", "number"),
        Index("ix_audit_entry_timestamp", "timestamp"),
    )

    number: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigId)
    timestamp: Mapped[str] = mapped_column(String(27))
    event_type: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(100))
    category: Mapped[str] = mapped_column(String(50))
    severity: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    actor_username: Mapped[str] = mapped_column(String(100))
    on_behalf_of: Mapped[int | None] = mapped_column(BigId)
    actor_ip: Mapped[str | None] = mapped_column(String(45))
    door: Mapped[str] = mapped_column(String(20))
    request_id: Mapped[str | None] = mapped_column(String(64))
    target_type: Mapped[str] = mapped_column(String(50))
    target_id: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(String(1000))
    details: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64))
    seal: Mapped[str] = mapped_column(String(64))
    entry_hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Model):
    """Where the log ends: one row, changed with every unit of work that writes entries.

    `event_id` is the newest event of the journal that is in the log; `key_number` the key in force.
    `seal` covers all of it, so that nobody without the key can move the end.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    log: Mapped[str] = mapped_column(String(32))
    number: Mapped[int] = mapped_column(BigId)
    hash: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[int] = mapped_column(BigId)
    key_number: Mapped[int] = mapped_column(BigId)
    seal: Mapped[str] = mapped_column(String(64))


class AuditKey(Model):
    """A signing key, in force from entry `number` on. `private` is sealed, `public` is in hex."""

    __tablename__ = "audit_key"

    number: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    public: Mapped[str] = mapped_column(String(64))
    private: Mapped[str] = mapped_column(Text, info={"sealed": "audit key {public}"})
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditCheckpoint(Model):
    """A signed statement on what the log was at entry `number`, ready to be kept elsewhere."""

    __tablename__ = "audit_checkpoint"

    number: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    statement: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditSegment(Model):
    """Entries that lie in a file now: its name, and the signed statement that closes it."""

    __tablename__ = "audit_segment"

    last: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(BigId)
    file: Mapped[str] = mapped_column(String(100))
    statement: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditSink(Model):
    """A place outside that every entry is sent to: `name` is webhook or syslog.

    `cursor` is the last entry it has taken; after `failures` in a row it is tried again at
    `next_at`. `options` say where and how; `token` is sealed.
    """

    __tablename__ = "audit_sink"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    token: Mapped[str | None] = mapped_column(Text, info={"sealed": "audit sink {name}"})
    cursor: Mapped[int] = mapped_column(BigId)
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(500))
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
