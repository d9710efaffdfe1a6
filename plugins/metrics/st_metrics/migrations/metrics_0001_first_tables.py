"""first tables

Revision: metrics_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "metrics_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metrics_counter",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("cost_usd", st_core.db.Usd(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", name=op.f("pk_metrics_counter")),
    )
    op.create_table(
        "metrics_counted",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counted_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_metrics_counted_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_metrics_counted")),
    )


def downgrade() -> None:
    op.drop_table("metrics_counted")
    op.drop_table("metrics_counter")
