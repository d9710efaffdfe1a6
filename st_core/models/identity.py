"""Who people are and what they may: users, levels, overrides, sessions, API keys, outside
identities."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..clock import now
from ..db import Model, UtcDateTime, db

user_level = Table(
    "user_level",
    db.metadata,
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("level_id", ForeignKey("level.id", ondelete="CASCADE"), primary_key=True),
    Column("granted_at", UtcDateTime, default=now, nullable=False),
    Column("granted_by_id", ForeignKey("user_account.id", ondelete="SET NULL")),
    # Who gave it: "manual", or "provider:<name>"; a sync with a provider only takes what it gave.
    Column("source", String(120), default="manual", server_default="manual", nullable=False),
)


class User(Model):
    """A person, or a service account. `auth_provider` is local, oidc or ldap."""

    __tablename__ = "user_account"  # "user" is a reserved word on PostgreSQL
    __table_args__ = (
        Index("ix_user_account_email_lower", func.lower(Column("email", String)), unique=True),
        Index(
            "ix_user_account_username_lower", func.lower(Column("username", String)), unique=True
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    username: Mapped[str] = mapped_column(String(50))
    display_name: Mapped[str | None] = mapped_column(String(100))
    avatar_url: Mapped[str | None] = mapped_column(Text)
    auth_provider: Mapped[str] = mapped_column(String(20), default="local")
    password_hash: Mapped[str | None] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_service: Mapped[bool] = mapped_column(default=False)
    is_local_owner: Mapped[bool] = mapped_column(default=False)
    #: The person who answers for a service account: whoever made it. Numbers are never used again.
    owner_id: Mapped[int | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The second factor's key, sealed; in force from `totp_confirmed_at` on.
    totp_secret: Mapped[str | None] = mapped_column(Text, info={"sealed": "totp:{id}"})
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The last time step a code was taken for, so that no code is taken twice (RFC 6238, 5.2).
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)

    levels: Mapped[list[Level]] = relationship(
        secondary=user_level,
        primaryjoin=lambda: User.id == user_level.c.user_id,
        secondaryjoin=lambda: Level.id == user_level.c.level_id,
        lazy="selectin",
    )
    overrides: Mapped[list[PermissionOverride]] = relationship(
        lazy="selectin", foreign_keys="PermissionOverride.user_id", cascade="all, delete-orphan"
    )


class Level(Model):
    """A named set of permissions. `priority` orders levels (guide section 2: 10, 20, 30, 100)."""

    __tablename__ = "level"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    priority: Mapped[int] = mapped_column(default=0)
    is_system: Mapped[bool] = mapped_column(default=False)
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)


class PermissionOverride(Model):
    """One permission granted to or taken from one user, whatever the levels say."""

    __tablename__ = "permission_override"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True
    )
    permission: Mapped[str] = mapped_column(String(100), primary_key=True)
    granted: Mapped[bool] = mapped_column(default=True)
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    granted_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL")
    )


class Session(Model):
    """A signed-in browser. The id itself is never stored, only its SHA-256 (hex).

    `method` is password, oidc or ldap. While `awaits_second_factor` the session is nobody's.
    `confirmed_at` is when the person last proved to be there (password, code or provider).
    """

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(255))
    method: Mapped[str] = mapped_column(String(20), default="password", server_default="password")
    provider_id: Mapped[int | None] = mapped_column(
        ForeignKey("auth_provider.id", ondelete="SET NULL")
    )
    #: What the provider needs to end its own session too (an ID token, say), sealed.
    provider_state: Mapped[str | None] = mapped_column(
        Text, info={"sealed": "session:{token_hash}"}
    )
    awaits_second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: It lives 30 days instead of 24 hours.
    remembered: Mapped[bool] = mapped_column(default=False, server_default=false())
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ApiKey(Model):
    """A key for scripts. Only its SHA-256 (hex) is stored; `prefix` is what people see.

    `scopes` None means all of the owner's permissions.
    """

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Who made it, and so may hold it: another than its owner where that is a service account.
    made_by_id: Mapped[int | None]


class AuthProvider(Model):
    """An outside place that says who people are (OIDC, LDAP). `config` holds secrets only
    encrypted."""

    __tablename__ = "auth_provider"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    enabled: Mapped[bool] = mapped_column(default=True)
    auto_create_users: Mapped[bool] = mapped_column(default=True)
    default_levels: Mapped[list[str]] = mapped_column(JSON, default=list)
    level_mapping: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)
    config: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, info={"sealed": "sign-in provider {name}"}
    )
    #: "page" rows are changed over page, API and command line; "file" rows by the config file only.
    managed_by: Mapped[str] = mapped_column(String(10), default="page", server_default="page")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now, onupdate=now)


class ExternalIdentity(Model):
    """The name an outside provider has for a user: issuer and subject, never the e-mail."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    provider_id: Mapped[int | None] = mapped_column(
        ForeignKey("auth_provider.id", ondelete="SET NULL")
    )
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
