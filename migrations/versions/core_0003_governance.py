"""governance: demands and arrays of jobs, dependencies, shares, decisions and their documents

Revision: core_0003
Follows: core_0002
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None

NEVER_AGAIN = {"sqlite_autoincrement": True}
NEW_VALUES = (
    ("new_sealed", sa.Text()),
    ("new_fingerprint", sa.String(length=20)),
    ("rotation_asked_at", st_core.db.UtcDateTime(timezone=True)),
)


def upgrade() -> None:
    op.add_column("job", sa.Column("demands", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("job", sa.Column("approved_digest", sa.String(length=64), nullable=True))
    op.add_column("job", sa.Column("array_id", sa.Integer(), nullable=True))
    op.add_column("job", sa.Column("array_index", sa.Integer(), nullable=True))
    op.add_column(
        "job", sa.Column("preemptible", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index(op.f("ix_job_array_id"), "job", ["array_id"])
    op.add_column("user_account", sa.Column("owner_id", sa.Integer(), nullable=True))
    for column, kind in NEW_VALUES:
        op.add_column("provider_credential", sa.Column(column, kind, nullable=True))
    op.add_column("api_key", sa.Column("made_by_id", sa.Integer(), nullable=True))
    queued = sa.text("state = 'queued'")
    op.create_index(
        "ix_job_line",
        "job",
        [
            sa.text(
                "(CAST(effective_priority AS BIGINT) * 72057594037927936"
                " + CAST(coalesce(user_id, 0) AS BIGINT) * 16777216 + coalesce(team_id, 0))"
            ),
            "queued_at",
            "id",
            "provider",
            "hardware",
        ],
        sqlite_where=queued,
        postgresql_where=queued,
    )
    skips = sa.text("state = 'queued' AND bypasses_queue")
    op.create_index(
        "ix_job_skips", "job", ["id"], sqlite_where=skips, postgresql_where=skips
    )
    op.create_table(
        "job_dependency",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("on_job_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], ondelete="CASCADE", name=op.f("fk_job_dependency_job_id_job")),
        sa.ForeignKeyConstraint(["on_job_id"], ["job.id"], ondelete="CASCADE", name=op.f("fk_job_dependency_on_job_id_job")),
        sa.PrimaryKeyConstraint("job_id", "on_job_id", name=op.f("pk_job_dependency")),
    )
    op.create_index(op.f("ix_job_dependency_on_job_id"), "job_dependency", ["on_job_id"])
    op.create_table(
        "share_usage",
        sa.Column("path", sa.String(length=40), nullable=False),
        sa.Column("gpu_seconds", sa.Double(), nullable=False),
        sa.Column("as_of", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_share_usage")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], ondelete="SET NULL", name=op.f("fk_decision_job_id_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        **NEVER_AGAIN,
    )
    op.create_index("ix_decision_job", "decision", ["job_id"])
    op.create_index("ix_decision_at", "decision", ["at", "id"])
    op.create_index("ix_decision_user", "decision", ["user_id", "id"])
    op.create_table(
        "policy_document",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=50), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("first_used_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_policy_document")),
    )


def downgrade() -> None:
    op.drop_table("policy_document")
    op.drop_table("decision")
    op.drop_table("share_usage")
    op.drop_table("job_dependency")
    for column, _ in NEW_VALUES:
        op.drop_column("provider_credential", column)
    op.drop_column("api_key", "made_by_id")
    op.drop_column("user_account", "owner_id")
    op.drop_index("ix_job_skips", "job")
    op.drop_index("ix_job_line", "job")
    op.drop_index(op.f("ix_job_array_id"), "job")
    for column in ("preemptible", "array_index", "array_id", "approved_digest", "demands"):
        op.drop_column("job", column)
