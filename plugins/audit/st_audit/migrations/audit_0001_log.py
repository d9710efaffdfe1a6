"""the log

Revision: audit_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "audit_0001"
down_revision = None
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = st_core.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    _entries()
    _end()
    _beside()


def _entries() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("number", big, autoincrement=False, nullable=False),
        sa.Column("event_id", big, nullable=False),
        sa.Column("timestamp", sa.String(length=27), nullable=False),
        sa.Column("event_type", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("category", sa.String(length=50), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("actor_id", big, nullable=True),
        sa.Column("actor_username", sa.String(length=100), nullable=False),
        sa.Column("on_behalf_of", big, nullable=True),
        sa.Column("actor_ip", sa.String(length=45), nullable=True),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("target_type", sa.String(length=50), nullable=False),
        sa.Column("target_id", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("message", sa.String(length=1000), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("entry_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_event_type", "audit_entry", ["event_type", "number"])
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id", "number"])
    op.create_index("ix_audit_entry_target", "audit_entry", ["target_type", "target_id", "number"])
    op.create_index("ix_audit_entry_timestamp", "audit_entry", ["timestamp"])


def _end() -> None:
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log", sa.String(length=32), nullable=False),
        sa.Column("number", big, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("event_id", big, nullable=False),
        sa.Column("key_number", big, nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    first = {"id": 1, "log": "", "number": 0, "hash": "genesis", "event_id": 0, "key_number": 0}
    op.bulk_insert(head, [{**first, "seal": ""}])
    op.create_table(
        "audit_key",
        sa.Column("number", big, autoincrement=False, nullable=False),
        sa.Column("public", sa.String(length=64), nullable=False),
        sa.Column("private", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_key")),
    )


def _beside() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("number", big, autoincrement=False, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_segment",
        sa.Column("last", big, autoincrement=False, nullable=False),
        sa.Column("first", big, nullable=False),
        sa.Column("file", sa.String(length=100), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("last", name=op.f("pk_audit_segment")),
    )
    op.create_table(
        "audit_sink",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("cursor", big, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("next_at", moment, nullable=True),
        sa.Column("delivered_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_sink")),
    )


def downgrade() -> None:
    op.drop_table("audit_sink")
    op.drop_table("audit_segment")
    op.drop_table("audit_checkpoint")
    op.drop_table("audit_key")
    op.drop_table("audit_head")
    op.drop_index("ix_audit_entry_timestamp", table_name="audit_entry")
    op.drop_index("ix_audit_entry_target", table_name="audit_entry")
    op.drop_index("ix_audit_entry_actor_id", table_name="audit_entry")
    op.drop_index("ix_audit_entry_event_type", table_name="audit_entry")
    op.drop_table("audit_entry")
