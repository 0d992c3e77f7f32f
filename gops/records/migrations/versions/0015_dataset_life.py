"""The life of datasets: kinds, review, revisions, how much of one others see, news of it and who is told.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS = (
    ("dataset", sa.Column("kind", sa.String(length=16), server_default="live", nullable=False)),
    ("dataset", sa.Column("personal_data_reviewer", sa.String(length=200), server_default="", nullable=False)),
    ("dataset", sa.Column("personal_data_reviewed", sa.String(length=10), server_default="", nullable=False)),
    ("dataset", sa.Column("start", sa.BigInteger(), nullable=True)),
    ("dataset", sa.Column("delay", sa.BigInteger(), server_default="0", nullable=False)),
    ("dataset", sa.Column("location_decimals", sa.Integer(), nullable=True)),
    ("dataset", sa.Column("suppress_below", sa.Integer(), nullable=True)),
    ("dataset", sa.Column("review_asked_at", sa.BigInteger(), nullable=True)),
    ("dataset", sa.Column("review_asked_by", sa.BigInteger(), nullable=True)),
    ("dataset", sa.Column("review_note", sa.String(length=2000), nullable=True)),
    ("dataset", sa.Column("deprecated_at", sa.BigInteger(), nullable=True)),
    ("dataset", sa.Column("deprecate_reason", sa.String(length=2000), nullable=True)),
    ("dataset", sa.Column("replaced_by", sa.String(length=63), nullable=True)),
    ("datastream", sa.Column("public_start", sa.BigInteger(), nullable=True)),
    ("datastream", sa.Column("public_delay", sa.BigInteger(), server_default="0", nullable=False)),
    ("datastream", sa.Column("suppress_below", sa.Integer(), nullable=True)),
    ("thing", sa.Column("place_decimals", sa.Integer(), nullable=True)),
)


def upgrade() -> None:
    for table, column in COLUMNS:
        op.add_column(table, column)
    op.create_index("ix_thing_place_decimals", "thing", ["place_decimals"])
    _history()
    _hooks()


def _history() -> None:
    op.create_table(
        "dataset_revision",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("dataset_id", BIG_ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_dataset_revision_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_revision"),
        sa.UniqueConstraint("dataset_id", "number", name="uq_dataset_revision_dataset_id_number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_news",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("dataset_id", BIG_ID, nullable=False),
        sa.Column("publisher_id", BIG_ID, nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("title_ko", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_dataset_news_dataset_id"),
        sa.ForeignKeyConstraint(["publisher_id"], ["organisation.id"], name="fk_dataset_news_publisher_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_news"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_news_dataset_id_id", "dataset_news", ["dataset_id", "id"])
    op.create_index("ix_dataset_news_at", "dataset_news", ["at"])


def _hooks() -> None:
    op.create_table(
        "dataset_hook",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("dataset_id", BIG_ID, nullable=True),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_dataset_hook_organisation_id"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_dataset_hook_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_hook"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_hook_organisation_id", "dataset_hook", ["organisation_id"])
    op.create_index("ix_dataset_hook_dataset_id", "dataset_hook", ["dataset_id"])
    op.create_table(
        "dataset_hook_delivery",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("hook_id", BIG_ID, nullable=False),
        sa.Column("news_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(["hook_id"], ["dataset_hook.id"], name="fk_dataset_hook_delivery_hook_id"),
        sa.ForeignKeyConstraint(["news_id"], ["dataset_news.id"], name="fk_dataset_hook_delivery_news_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_hook_delivery"),
        sa.UniqueConstraint("hook_id", "news_id", name="uq_dataset_hook_delivery_hook_id_news_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_hook_delivery_state_next_at", "dataset_hook_delivery", ["state", "next_at"])
    op.create_index("ix_dataset_hook_delivery_news_id", "dataset_hook_delivery", ["news_id"])
