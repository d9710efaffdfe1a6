"""the ledger, cost limits and prices

Revision: budgets_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "budgets_0001"
down_revision = None
branch_labels = None
depends_on = None

moment = st_core.db.UtcDateTime(timezone=True)
usd = st_core.db.Usd


def _whose() -> list[sa.Column]:
    return [
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("hardware", sa.String(length=100), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("at", moment, nullable=False),
    ]


def upgrade() -> None:
    _limits()
    _ledger()
    op.create_table(
        "budgets_price",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("hardware", sa.String(length=100), nullable=False),
        sa.Column("cost_per_hour_usd", usd(), nullable=False),
        sa.Column("valid_from", moment, nullable=False),
        sa.Column("set_by", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets_price")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_budgets_price_of", "budgets_price", ["provider", "hardware", "valid_from"]
    )


def _limits() -> None:
    op.create_table(
        "budgets_limit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=70), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("amount_usd", usd(), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("window", sa.String(length=10), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"],
                [f"{table}.id"],
                name=op.f(f"fk_budgets_limit_{table}_id_{table}"),
                ondelete="CASCADE",
            )
            for table in ("team", "org")
        ),
        sa.UniqueConstraint("subject", name=op.f("uq_budgets_limit_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets_limit")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "budgets_crossing",
        sa.Column("limit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("limit_id", name=op.f("pk_budgets_crossing")),
    )


def _ledger() -> None:
    op.create_table(
        "budgets_hold",
        sa.Column("job_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("held_usd", usd(), nullable=False),
        *_whose(),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_budgets_hold")),
    )
    op.create_table(
        "budgets_posting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transfer", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=10), nullable=False),
        sa.Column("amount_usd", usd(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        *_whose(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets_posting")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_budgets_posting_account", "budgets_posting", ["account", "at", "amount_usd"])
    for of in ("provider", "team_id", "org_id"):
        op.create_index(
            f"ix_budgets_posting_{of}", "budgets_posting", ["account", of, "at", "amount_usd"]
        )
    op.create_index("ix_budgets_posting_job", "budgets_posting", ["job_id", "account", "amount_usd"])


def downgrade() -> None:
    for name in ("price", "posting", "hold", "crossing", "limit"):
        op.drop_table(f"budgets_{name}")
