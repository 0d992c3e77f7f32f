"""The demand board, and more of sites.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("site", sa.Column("reference", sa.String(length=100), nullable=True))
    op.add_column("site", sa.Column("details", sa.JSON(), nullable=True))
    op.add_column("site", sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("ix_site_revision", "site", ["revision"])
    op.create_index("uq_site_organisation_id_reference", "site", ["organisation_id", "reference"], unique=True)
    op.create_table(
        "micro_slot",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("slot_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("quarter", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_micro_slot_organisation_id"),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name="fk_micro_slot_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_micro_slot"),
        sa.UniqueConstraint("slot_id", name="uq_micro_slot_slot_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_micro_slot_organisation_id_quarter", "micro_slot", ["organisation_id", "quarter"])
    op.create_table(
        "demand",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("municipality_id", BIG_ID, nullable=True),
        sa.Column("title_ko", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("description_ko", sa.String(length=2000), nullable=False),
        sa.Column("description_en", sa.String(length=2000), nullable=False),
        sa.Column("outcome_ko", sa.String(length=2000), nullable=False),
        sa.Column("outcome_en", sa.String(length=2000), nullable=False),
        sa.Column("theme", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sites", sa.JSON(), nullable=False),
        sa.Column("geojson", sa.JSON(), nullable=True),
        sa.Column("supports", sa.BigInteger(), nullable=False),
        sa.Column("call_id", BIG_ID, nullable=True),
        sa.Column("merged_into", BIG_ID, nullable=True),
        sa.Column("offered_to", BIG_ID, nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_demand_call_id"),
        sa.ForeignKeyConstraint(["merged_into"], ["demand.id"], name="fk_demand_merged_into"),
        sa.ForeignKeyConstraint(["municipality_id"], ["organisation.id"], name="fk_demand_municipality_id"),
        sa.ForeignKeyConstraint(["offered_to"], ["demand.id"], name="fk_demand_offered_to"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_demand_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_demand"),
        sqlite_autoincrement=True,
    )
    for column in ("call_id", "merged_into", "municipality_id", "organisation_id", "state"):
        op.create_index(f"ix_demand_{column}", "demand", [column])
    op.create_table(
        "demand_support",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("demand_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name="fk_demand_support_demand_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_demand_support_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_demand_support"),
        sa.UniqueConstraint("demand_id", "person_id", name="uq_demand_support_demand_id_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_demand_support_person_id", "demand_support", ["person_id"])
