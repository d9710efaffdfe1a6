"""The tables of resource rules: the rules, and which levels they govern."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from st_core.clock import now
from st_core.db import Model, UtcDateTime


class ResourceRule(Model):
    """One rule, by a name of its own. `resource_type` is config, hardware, provider or output_path,
    `action` allow or deny, `mode` enforce or shadow; `priority` only orders lists."""

    __tablename__ = "resource_rules_rule"
    __table_args__ = ({"sqlite_autoincrement": True},)  # the journal names it for ever
    governs: ClassVar[bool] = True

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    resource_type: Mapped[str] = mapped_column(String(20))
    pattern: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(10), default="allow")
    priority: Mapped[int] = mapped_column(default=0)
    description: Mapped[str] = mapped_column(String(500), default="")
    mode: Mapped[str] = mapped_column(String(10), default="enforce")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL")
    )


class Attachment(Model):
    """A rule governs whoever has this level."""

    __tablename__ = "resource_rules_attachment"
    governs: ClassVar[bool] = True

    level_id: Mapped[int] = mapped_column(
        ForeignKey("level.id", ondelete="CASCADE"), primary_key=True
    )
    rule_id: Mapped[int] = mapped_column(
        ForeignKey("resource_rules_rule.id", ondelete="CASCADE"), primary_key=True, index=True
    )
