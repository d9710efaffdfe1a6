"""rules and the levels they govern

Revision: resource_rules_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "resource_rules_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resource_rules_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("resource_type", sa.String(length=20), nullable=False),
        sa.Column("pattern", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("created_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["user_account.id"],
            name=op.f("fk_resource_rules_rule_created_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_rules_rule")),
        sa.UniqueConstraint("name", name=op.f("uq_resource_rules_rule_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "resource_rules_attachment",
        sa.Column("level_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["level_id"],
            ["level.id"],
            name=op.f("fk_resource_rules_attachment_level_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["resource_rules_rule.id"],
            name=op.f("fk_resource_rules_attachment_rule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("level_id", "rule_id", name=op.f("pk_resource_rules_attachment")),
    )
    op.create_index(
        op.f("ix_resource_rules_attachment_rule_id"), "resource_rules_attachment", ["rule_id"]
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_resource_rules_attachment_rule_id"), table_name="resource_rules_attachment"
    )
    op.drop_table("resource_rules_attachment")
    op.drop_table("resource_rules_rule")
