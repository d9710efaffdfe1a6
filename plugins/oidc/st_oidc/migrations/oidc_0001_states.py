"""states

Revision: oidc_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "oidc_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oidc_state",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("created_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oidc_state")),
    )
    op.create_index(op.f("ix_oidc_state_expires_at"), "oidc_state", ["expires_at"])


def downgrade() -> None:
    op.drop_table("oidc_state")
