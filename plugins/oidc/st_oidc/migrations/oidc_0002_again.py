"""again

Revision: oidc_0002
Follows: oidc_0001
"""

from alembic import op
import sqlalchemy as sa


revision = "oidc_0002"
down_revision = "oidc_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "oidc_state", sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("oidc_state", "again")
