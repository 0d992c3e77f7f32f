"""More of calls and applications.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "clock_told",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("clock", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clock_told"),
        sa.UniqueConstraint("clock", "subject_id", "due_at", "days", name="uq_clock_told_clock_subject_id_due_at_days"),
        sqlite_autoincrement=True,
    )
