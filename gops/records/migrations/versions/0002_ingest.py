"""Refusals with their messages and counts, and what devices say of themselves.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "refusal_count",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=130), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refusal_count"),
        sa.UniqueConstraint(
            "hour", "organisation_id", "feed", "device", "code", "field", name="uq_refusal_count_group"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "refused_message",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_refused_message"),
    )
    op.create_table(
        "refusal",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=130), nullable=False),
        sa.Column("topic", sa.String(length=500), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=True),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["refused_message.digest"], name="fk_refusal_digest"),
        sa.PrimaryKeyConstraint("id", name="pk_refusal"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_refusal_at", "refusal", ["at"])
    op.create_index("ix_refusal_digest", "refusal", ["digest"])
    op.create_index("ix_refusal_organisation_id_id", "refusal", ["organisation_id", "id"])
    op.create_table(
        "device_status",
        sa.Column("device_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("online", sa.Boolean(), nullable=True),
        sa.Column("online_since", sa.BigInteger(), nullable=True),
        sa.Column("last_seen", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_device_status_device_id"),
        sa.PrimaryKeyConstraint("device_id", name="pk_device_status"),
    )
