"""Mechanisms, and rounds that run long.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "application_mark",
        sa.Column("application_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("group_name", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_application_mark_application_id"),
        sa.PrimaryKeyConstraint("application_id", name="pk_application_mark"),
    )
    op.create_table(
        "round_job",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_round_job_call_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_round_job_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_round_job"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_round_job_call_id", "round_job", ["call_id"])
    op.create_index("ix_round_job_state", "round_job", ["state"])
