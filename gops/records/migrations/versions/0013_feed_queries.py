"""What feeds remember of their questions: validators of HTTP, freshness, columns.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feed_query",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("feed_id", BIG_ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("asked", sa.LargeBinary(length=32), nullable=True),
        sa.Column("etag", sa.String(length=300), nullable=True),
        sa.Column("modified", sa.String(length=64), nullable=True),
        sa.Column("fresh_until", sa.BigInteger(), nullable=True),
        sa.Column("follow", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("added", sa.JSON(), nullable=False),
        sa.Column("absent", sa.JSON(), nullable=False),
        sa.Column("drifted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_query_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_query")),
        sa.UniqueConstraint("feed_id", "digest", name=op.f("uq_feed_query_feed_id_digest")),
        sqlite_autoincrement=True,
    )
