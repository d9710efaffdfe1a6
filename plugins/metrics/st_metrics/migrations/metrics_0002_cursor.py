"""one cursor instead of a row per counted event

Revision: metrics_0002
Follows: metrics_0001
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "metrics_0002"
down_revision = "metrics_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metrics_cursor",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_metrics_cursor")),
    )
    op.execute(
        "INSERT INTO metrics_cursor (name, event_id)"
        " SELECT 'journal', max(event_id) FROM metrics_counted HAVING max(event_id) IS NOT NULL"
    )
    op.drop_table("metrics_counted")


def downgrade() -> None:
    op.create_table(
        "metrics_counted",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counted_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_metrics_counted_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_metrics_counted")),
    )
    op.drop_table("metrics_cursor")
