"""What is harvested from other catalogs.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "harvest_source",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("protocol", sa.String(length=8), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("theme", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("every_hours", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("believe", sa.Boolean(), nullable=False),
        sa.Column("validators", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_harvest_source_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_harvest_source"),
        sa.UniqueConstraint("organisation_id", "url", name="uq_harvest_source_organisation_id_url"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_harvest_source_enabled_next_at", "harvest_source", ["enabled", "next_at"])
    op.create_table(
        "harvest_item",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("dataset_id", BIG_ID, nullable=False),
        sa.Column("identity", sa.String(length=2000), nullable=False),
        sa.Column("identity_hash", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["harvest_source.id"], name="fk_harvest_item_source_id"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_harvest_item_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_harvest_item"),
        sa.UniqueConstraint("identity_hash", name="uq_harvest_item_identity_hash"),
        sa.UniqueConstraint("dataset_id", name="uq_harvest_item_dataset_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_harvest_item_source_id", "harvest_item", ["source_id"])
    op.create_table(
        "harvest_run",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("source_id", BIG_ID, nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.BigInteger(), nullable=True),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("pages", "found", "added", "changed", "unchanged", "missing", "removed", "refused")
        ),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["harvest_source.id"], name="fk_harvest_run_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_harvest_run"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_harvest_run_source_id_id", "harvest_run", ["source_id", "id"])
