"""Quality rules of Datastreams, and how many readings they flagged.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("datastream", sa.Column("quality_rules", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "quality_count",
        sa.Column("datastream_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=8), nullable=False),
        sa.Column("readings", sa.BigInteger(), nullable=False),
        sa.Column("last_t", sa.BigInteger(), nullable=False),
        sa.Column("last_value", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["datastream_id"], ["datastream.id"], name="fk_quality_count_datastream_id"),
        sa.PrimaryKeyConstraint("datastream_id", "day", "rule", name="pk_quality_count"),
    )
