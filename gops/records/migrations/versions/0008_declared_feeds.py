"""Feeds of MQTT topics and of other brokers, revisions of all feeds, and Things found by their names.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("feed", sa.Column("kind", sa.String(length=8), server_default="http", nullable=False))
    op.add_column("feed", sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("feed", sa.Column("declaration", sa.JSON(), nullable=True))
    op.create_table(
        "feed_revision",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("feed_id", BIG_ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feed_revision_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_revision")),
        sa.UniqueConstraint("feed_id", "number", name=op.f("uq_feed_revision_feed_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_thing_organisation_id_name", "thing", ["organisation_id", "name"])
