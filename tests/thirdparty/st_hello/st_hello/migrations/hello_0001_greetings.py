"""greetings

Revision: hello_0001
Follows:
"""

import sqlalchemy as sa
from alembic import op

import st_core.db

revision = "hello_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hello_greeting",
        sa.Column(
            "event_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("said_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_hello_greeting_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_hello_greeting")),
    )
    op.create_index(op.f("ix_hello_greeting_job_id"), "hello_greeting", ["job_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_hello_greeting_job_id"), table_name="hello_greeting")
    op.drop_table("hello_greeting")
