"""ceilings, and what each job holds or used

Revision: quotas_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "quotas_0001"
down_revision = None
branch_labels = None
depends_on = None

moment = st_core.db.UtcDateTime(timezone=True)
OPEN = sa.text("ended_at IS NULL")
GLOBAL = sa.text("scope = 'global'")
OWNERS = {"user": "user_account", "level": "level", "team": "team", "org": "org"}
SCOPES = ("user", "team", "org")


def upgrade() -> None:
    _ceilings()
    _uses()


def _ceilings() -> None:
    op.create_table(
        "quotas_ceiling",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        *(sa.Column(f"{scope}_id", sa.Integer(), nullable=True) for scope in OWNERS),
        sa.Column("quota_type", sa.String(length=30), nullable=False),
        sa.Column("limit_value", st_core.db.Usd(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [f"{scope}_id"],
                [f"{table}.id"],
                name=op.f(f"fk_quotas_ceiling_{scope}_id_{table}"),
                ondelete="CASCADE",
            )
            for scope, table in OWNERS.items()
        ),
        *(
            sa.UniqueConstraint(
                f"{scope}_id", "quota_type", name=op.f(f"uq_quotas_ceiling_{scope}_id_quota_type")
            )
            for scope in OWNERS
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotas_ceiling")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_quotas_ceiling_global",
        "quotas_ceiling",
        ["quota_type"],
        unique=True,
        sqlite_where=GLOBAL,
        postgresql_where=GLOBAL,
    )


def _uses() -> None:
    op.create_table(
        "quotas_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("local_gpus", sa.Integer(), nullable=False),
        sa.Column("held_cost_usd", st_core.db.Usd(), nullable=False),
        sa.Column("held_gpu_seconds", sa.Float(), nullable=False),
        sa.Column("cost_usd", st_core.db.Usd(), nullable=False),
        sa.Column("gpu_seconds", sa.Float(), nullable=False),
        sa.Column("running_since", sa.Float(), nullable=True),
        sa.Column("admitted_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotas_use")),
        sqlite_autoincrement=True,
    )
    _open_index("uq_quotas_use_open", "job_id", unique=True)
    op.create_index("ix_quotas_use_job", "quotas_use", ["job_id"])
    op.create_index("ix_quotas_use_ended", "quotas_use", ["ended_at"])
    for scope in SCOPES:
        who = f"{scope}_id"
        _open_index(f"ix_quotas_use_{scope}_open", who)
        op.create_index(f"ix_quotas_use_{scope}_admitted", "quotas_use", [who, "admitted_at"])
        op.create_index(
            f"ix_quotas_use_{scope}_ended",
            "quotas_use",
            [who, "ended_at", "cost_usd", "gpu_seconds"],
        )


def _open_index(name: str, column: str, *, unique: bool = False) -> None:
    op.create_index(
        name,
        "quotas_use",
        [column],
        unique=unique,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    op.drop_table("quotas_use")
    op.drop_table("quotas_ceiling")
