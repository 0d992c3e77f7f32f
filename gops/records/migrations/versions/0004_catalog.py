"""Pulled feeds, datasets, and which feed writes a Datastream.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("datastream", sa.Column("feed_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_datastream_feed_id", "datastream", ["feed_id"])
    _feeds()
    _datasets()


def _feeds() -> None:
    op.create_table(
        "feed",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("adapter", sa.String(length=32), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(length=500), nullable=False),
        sa.Column("minutes", sa.String(length=200), nullable=False),
        sa.Column("calls_per_day", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("last_run_at", sa.BigInteger(), nullable=True),
        sa.Column("last_success_at", sa.BigInteger(), nullable=True),
        sa.Column("newest_t", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", sa.BigInteger(), nullable=True),
        sa.Column("rest_code", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_feed_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.UniqueConstraint("slug", name="uq_feed_slug"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_organisation_id", "feed", ["organisation_id"])
    op.create_table(
        "feed_station",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("feed_id", BIG_ID, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("thing_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_feed_station_feed_id"),
        sa.ForeignKeyConstraint(["thing_id"], ["thing.id"], name="fk_feed_station_thing_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feed_station"),
        sa.UniqueConstraint("feed_id", "key", name="uq_feed_station_feed_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_station_thing_id", "feed_station", ["thing_id"])
    op.create_table(
        "feed_run",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("feed_id", BIG_ID, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("readings", sa.BigInteger(), nullable=False),
        sa.Column("inserted", sa.BigInteger(), nullable=False),
        sa.Column("replaced", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("registered", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_feed_run_feed_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feed_run"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_run_feed_id_id", "feed_run", ["feed_id", "id"])
    op.create_table(
        "feed_budget",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed_budget"),
        sa.UniqueConstraint("digest", "day", name="uq_feed_budget_digest_day"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_budget_day", "feed_budget", ["day"])


def _datasets() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("offer", sa.String(length=32), nullable=True),
        sa.Column("rule", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("follow", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("title_ko", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("description_ko", sa.String(length=2000), nullable=False),
        sa.Column("description_en", sa.String(length=2000), nullable=False),
        sa.Column("licence", sa.String(length=32), nullable=False),
        sa.Column("theme", sa.String(length=32), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("frequency", sa.String(length=32), nullable=False),
        sa.Column("personal_data", sa.String(length=32), nullable=False),
        sa.Column("personal_data_basis", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("withdraw_reason", sa.String(length=2000), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_dataset_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.UniqueConstraint("slug", name="uq_dataset_slug"),
        sa.UniqueConstraint("organisation_id", "offer", name="uq_dataset_organisation_id_offer"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_state_id", "dataset", ["state", "id"])
    op.create_table(
        "dataset_datastream",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("dataset_id", BIG_ID, nullable=False),
        sa.Column("datastream_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_dataset_datastream_dataset_id"),
        sa.ForeignKeyConstraint(["datastream_id"], ["datastream.id"], name="fk_dataset_datastream_datastream_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_datastream"),
        sa.UniqueConstraint("dataset_id", "datastream_id", name="uq_dataset_datastream_dataset_id_datastream_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_datastream_datastream_id", "dataset_datastream", ["datastream_id"])
