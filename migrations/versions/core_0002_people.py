"""people: second factor, one-time links, devices, throttles, credentials, who gave a level

Revision: core_0002
Follows: core_0001
"""

from alembic import op
import sqlalchemy as sa

import st_core.db


revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

NEVER_AGAIN = {"sqlite_autoincrement": True}


def _on_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def upgrade() -> None:
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("started_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("blocked_until", st_core.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
    )
    op.create_table(
        "known_device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("device_hash", sa.String(length=64), nullable=False),
        sa.Column("first_seen_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_known_device_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_device")),
        sa.UniqueConstraint(
            "user_id", "device_hash", name=op.f("uq_known_device_user_id_device_hash")
        ),
    )
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_device_user_id"), ["user_id"], unique=False)

    op.create_table(
        "one_time_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", st_core.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_one_time_link_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_one_time_link_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
    )
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_one_time_link_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_one_time_link_user_id"), ["user_id"], unique=False)

    op.create_table(
        "provider_credential",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("credential_name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=20), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", st_core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", st_core.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_provider_credential_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_credential")),
        sa.UniqueConstraint(
            "user_id",
            "provider",
            "credential_name",
            name=op.f("uq_provider_credential_user_id_provider_credential_name"),
        ),
    )
    with op.batch_alter_table("provider_credential", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_provider_credential_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", st_core.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_recovery_code_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_code_code_hash")),
    )
    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_code_user_id"), ["user_id"], unique=False)

    with op.batch_alter_table("auth_provider", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("managed_by", sa.String(length=10), server_default="page", nullable=False)
        )
        batch_op.add_column(
            sa.Column("updated_at", st_core.db.UtcDateTime(timezone=True), nullable=True)
        )

    with op.batch_alter_table("session", reflect_kwargs={"resolve_fks": False}) as batch_op:
        batch_op.add_column(
            sa.Column("method", sa.String(length=20), server_default="password", nullable=False)
        )
        batch_op.add_column(sa.Column("provider_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("provider_state", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "awaits_second_factor", sa.Boolean(), server_default=sa.false(), nullable=False
            )
        )
        batch_op.add_column(
            sa.Column("remembered", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("confirmed_at", st_core.db.UtcDateTime(timezone=True), nullable=True)
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_session_provider_id"),
            "auth_provider",
            ["provider_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("password_changed_at", st_core.db.UtcDateTime(timezone=True), nullable=True)
        )
        batch_op.add_column(sa.Column("totp_secret", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("totp_confirmed_at", st_core.db.UtcDateTime(timezone=True), nullable=True)
        )
        batch_op.add_column(sa.Column("totp_last_step", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("user_level", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("source", sa.String(length=120), server_default="manual", nullable=False)
        )

    # Numbers of organisations and teams stand in the journal: SQLite must not give them out twice.
    for name in ("org", "team"):
        with op.batch_alter_table(
            name, recreate="always" if _on_sqlite() else "never", table_kwargs=NEVER_AGAIN
        ):
            pass
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(
            "uq_membership_one_org",
            ["user_id"],
            unique=True,
            sqlite_where=sa.text("team_id IS NULL"),
            postgresql_where=sa.text("team_id IS NULL"),
        )
    nowhere = sa.text("org_id IS NULL")
    with op.batch_alter_table("job", recreate="never") as batch_op:
        batch_op.create_index(
            "ix_job_no_org", ["id"], sqlite_where=nowhere, postgresql_where=nowhere
        )
    for place in ("team", "org"):
        there = sa.text(f"{place}_id IS NOT NULL")
        with op.batch_alter_table("job", recreate="never") as batch_op:
            batch_op.create_index(
                f"ix_job_{place}",
                [f"{place}_id", "id"],
                sqlite_where=there,
                postgresql_where=there,
            )


    # The name of a submitter whose account was deleted, and the gate under which people change.
    with op.batch_alter_table("job", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("former_owner", sa.String(length=50), nullable=True))
    lock = sa.table("lock", sa.column("name", sa.String), sa.column("value", sa.BigInteger))
    op.bulk_insert(lock, [{"name": "people", "value": 0}])


def downgrade() -> None:
    op.execute("DELETE FROM lock WHERE name = 'people'")
    with op.batch_alter_table("job", recreate="never") as batch_op:
        batch_op.drop_column("former_owner")
    with op.batch_alter_table("job", recreate="never") as batch_op:
        batch_op.drop_index("ix_job_no_org")
        batch_op.drop_index("ix_job_org")
        batch_op.drop_index("ix_job_team")
    with op.batch_alter_table("membership", recreate="never") as batch_op:
        batch_op.drop_index("uq_membership_one_org")
    for name in ("team", "org"):
        with op.batch_alter_table(name, recreate="always" if _on_sqlite() else "never"):
            pass

    with op.batch_alter_table("user_level", recreate="never") as batch_op:
        batch_op.drop_column("source")

    # In place: a rebuilt table would lose its indexes on lower(...), which SQLite cannot tell back.
    with op.batch_alter_table("user_account", recreate="never") as batch_op:
        batch_op.drop_column("totp_last_step")
        batch_op.drop_column("totp_confirmed_at")
        batch_op.drop_column("totp_secret")
        batch_op.drop_column("password_changed_at")

    with op.batch_alter_table("session", reflect_kwargs={"resolve_fks": False}) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_session_provider_id"), type_="foreignkey")
        batch_op.drop_column("confirmed_at")
        batch_op.drop_column("remembered")
        batch_op.drop_column("awaits_second_factor")
        batch_op.drop_column("provider_state")
        batch_op.drop_column("provider_id")
        batch_op.drop_column("method")

    with op.batch_alter_table("auth_provider", recreate="never") as batch_op:
        batch_op.drop_column("updated_at")
        batch_op.drop_column("managed_by")

    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recovery_code_user_id"))

    op.drop_table("recovery_code")
    with op.batch_alter_table("provider_credential", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_provider_credential_user_id"))

    op.drop_table("provider_credential")
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_one_time_link_user_id"))
        batch_op.drop_index(batch_op.f("ix_one_time_link_expires_at"))

    op.drop_table("one_time_link")
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_known_device_user_id"))

    op.drop_table("known_device")
    op.drop_table("throttle")
