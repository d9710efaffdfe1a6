"""shared keys, and what attempts were given

Revision: credentials_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "credentials_0001"
down_revision = None
branch_labels = None
depends_on = None

moment = st_core.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "credentials_shared",
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("new_sealed", sa.Text(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("credential_name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("fingerprint", sa.String(length=20), nullable=True),
        sa.Column("new_fingerprint", sa.String(length=20), nullable=True),
        sa.Column("rotation_asked_at", moment, nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("last_used_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials_shared")),
        sa.UniqueConstraint("provider", "credential_name", name=op.f("uq_credentials_shared_provider_credential_name")),
    )
    op.create_table(
        "credentials_use",
        sa.Column("job_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("variable", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.String(length=20), nullable=True),
        sa.Column("is_trial", sa.Boolean(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], ondelete="CASCADE", name=op.f("fk_credentials_use_job_id_job")),
        sa.PrimaryKeyConstraint("job_id", "attempt", "variable", name=op.f("pk_credentials_use")),
    )


def downgrade() -> None:
    op.drop_table("credentials_use")
    op.drop_table("credentials_shared")
