"""Which job has which device of this machine."""

import sqlalchemy as sa
from alembic import op

from st_core.db import UtcDateTime

revision = "local_gpu_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "local_gpu_slot",
        sa.Column("device", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_local_gpu_slot_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_local_gpu_slot")),
    )
    op.create_index(op.f("ix_local_gpu_slot_job_id"), "local_gpu_slot", ["job_id"])


def downgrade() -> None:
    op.drop_table("local_gpu_slot")
