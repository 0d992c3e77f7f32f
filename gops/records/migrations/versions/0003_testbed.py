"""Sites, calls, applications, rounds and slots of the testbed.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "call",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("title_ko", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opens_at", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("terms_hash", sa.String(length=64), nullable=True),
        sa.Column("operator_seed", sa.LargeBinary(length=32), nullable=True),
        sa.Column("operator_seed_hash", sa.String(length=64), nullable=True),
        sa.Column("pseudonym_key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("pseudonym_key_hash", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_call_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
        sa.UniqueConstraint("slug", name="uq_call_slug"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_organisation_id", "call", ["organisation_id"])
    op.create_index("ix_call_state", "call", ["state"])
    op.create_table(
        "site",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("name_ko", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("geojson", sa.JSON(), nullable=False),
        sa.Column("square_metres", sa.Float(precision=53), nullable=False),
        sa.Column("longitude", sa.Float(precision=53), nullable=False),
        sa.Column("latitude", sa.Float(precision=53), nullable=False),
        sa.Column("west", sa.Float(precision=53), nullable=False),
        sa.Column("south", sa.Float(precision=53), nullable=False),
        sa.Column("east", sa.Float(precision=53), nullable=False),
        sa.Column("north", sa.Float(precision=53), nullable=False),
        sa.Column("capacity", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_site_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_site"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_site_organisation_id", "site", ["organisation_id"])
    op.create_table(
        "application",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sites", sa.JSON(), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("first_start", sa.BigInteger(), nullable=False),
        sa.Column("last_start", sa.BigInteger(), nullable=False),
        sa.Column("band", sa.String(length=32), nullable=True),
        sa.Column("trl", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_application_call_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_application_organisation_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_application_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_application"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_application_call_id_id", "application", ["call_id", "id"])
    op.create_index("ix_application_organisation_id", "application", ["organisation_id"])
    op.create_table(
        "call_site",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("site_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_call_site_call_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_call_site_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call_site"),
        sa.UniqueConstraint("call_id", "site_id", name="uq_call_site_call_id_site_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_site_site_id", "call_site", ["site_id"])
    op.create_table(
        "closure",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("site_id", BIG_ID, nullable=False),
        sa.Column("first_week", sa.BigInteger(), nullable=False),
        sa.Column("end_week", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_closure_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_closure"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_closure_site_id", "closure", ["site_id"])
    op.create_table(
        "round",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("mechanism", sa.String(length=32), nullable=False),
        sa.Column("applications", sa.BigInteger(), nullable=False),
        sa.Column("placed", sa.BigInteger(), nullable=False),
        sa.Column("outcome_hash", sa.String(length=64), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("final_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_round_call_id"),
        sa.PrimaryKeyConstraint("id", name="pk_round"),
        sa.UniqueConstraint("call_id", "revision", name="uq_round_call_id_revision"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "application_site",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("site_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_application_site_application_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_application_site_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_application_site"),
        sa.UniqueConstraint("application_id", "site_id", name="uq_application_site_application_id_site_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_application_site_site_id", "application_site", ["site_id"])
    op.create_table(
        "slots",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("site_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("first_week", sa.BigInteger(), nullable=False),
        sa.Column("end_week", sa.BigInteger(), nullable=False),
        sa.Column("amounts", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_slots_application_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_slots_organisation_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_slots_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_slots"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_slots_application_id", "slots", ["application_id"])
    op.create_index("ix_slots_organisation_id", "slots", ["organisation_id"])
    op.create_index("ix_slots_site_id_end_week", "slots", ["site_id", "end_week"])
