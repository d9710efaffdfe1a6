"""rules, requests, votes and delegations

Revision: approvals_0001
Follows:
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "approvals_0001"
down_revision = None
branch_labels = None
depends_on = None

moment = st_core.db.UtcDateTime(timezone=True)
PENDING = sa.text("status = 'pending'")
NEVER_AGAIN = {"sqlite_autoincrement": True}


def upgrade() -> None:
    _rules()
    _requests()
    _people()


def _rules() -> None:
    op.create_table(
        "approvals_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("condition", sa.String(length=30), nullable=False),
        sa.Column("threshold", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("applies_to_provider", sa.String(length=50), nullable=True),
        sa.Column("applies_to_level", sa.String(length=50), nullable=True),
        sa.Column("exempt_levels", sa.JSON(), nullable=False),
        sa.Column("required_approver_level", sa.String(length=50), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("lifetime_hours", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_rule")),
        sa.UniqueConstraint("name", name=op.f("uq_approvals_rule_name")),
        **NEVER_AGAIN,
    )


def _requests() -> None:
    op.create_table(
        "approvals_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("username", sa.String(length=50), nullable=False),
        sa.Column("org_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("matched", sa.JSON(), nullable=False),
        sa.Column("approver_level", sa.String(length=50), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("job_name", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("config_name", sa.String(length=100), nullable=False),
        sa.Column("hardware", sa.String(length=100), nullable=True),
        sa.Column("gpu_count", sa.Integer(), nullable=False),
        sa.Column("estimated_cost_usd", st_core.db.Usd(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("reviewed_by", sa.Integer(), nullable=True),
        sa.Column("reviewer", sa.String(length=50), nullable=True),
        sa.Column("reviewed_at", moment, nullable=True),
        sa.Column("review_notes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_request")),
        **NEVER_AGAIN,
    )
    op.create_index(
        "uq_approvals_request_open",
        "approvals_request",
        ["job_id"],
        unique=True,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index(
        "ix_approvals_request_expires",
        "approvals_request",
        ["expires_at", "id"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    for name, column in (("job", "job_id"), ("user", "user_id"), ("status", "status")):
        op.create_index(f"ix_approvals_request_{name}", "approvals_request", [column, "id"])


def _people() -> None:
    op.create_table(
        "approvals_vote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=50), nullable=False),
        sa.Column("on_behalf_of", sa.Integer(), nullable=True),
        sa.Column("on_behalf_of_name", sa.String(length=50), nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["approvals_request.id"],
            ondelete="CASCADE",
            name=op.f("fk_approvals_vote_request_id_approvals_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_vote")),
        **NEVER_AGAIN,
    )
    op.create_index("ix_approvals_vote_request", "approvals_vote", ["request_id", "id"])
    op.create_table(
        "approvals_delegation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("delegate_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column],
                ["user_account.id"],
                ondelete="CASCADE",
                name=op.f(f"fk_approvals_delegation_{column}_user_account"),
            )
            for column in ("user_id", "delegate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_delegation")),
        **NEVER_AGAIN,
    )
    op.create_index(
        op.f("ix_approvals_delegation_user_id"), "approvals_delegation", ["user_id"]
    )
    op.create_index(
        "ix_approvals_delegation_delegate", "approvals_delegation", ["delegate_id"]
    )


def downgrade() -> None:
    op.drop_table("approvals_delegation")
    op.drop_table("approvals_vote")
    op.drop_table("approvals_request")
    op.drop_table("approvals_rule")
