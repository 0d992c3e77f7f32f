"""Notices: what is to be told to whom, in which language, and by which way.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("once", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("once", name="uq_notice_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notice_state_next_at", "notice", ["state", "next_at"])
    op.create_index("ix_notice_organisation_id_id", "notice", ["organisation_id", "id"])
    op.create_index("ix_notice_person_id_id", "notice", ["person_id", "id"])
    op.create_index("ix_notice_at", "notice", ["at"])
    op.create_table(
        "notice_wish",
        sa.Column("person_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_notice_wish_person_id"),
        sa.PrimaryKeyConstraint("person_id", name="pk_notice_wish"),
    )
    op.create_table(
        "notice_hook",
        sa.Column("organisation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_notice_hook_organisation_id"),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_notice_hook"),
    )
