"""Audit, events, organisations, people, keys, devices, and the registry of Things and Datastreams.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("noun", sa.String(length=32), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_organisation_id_id", "audit", ["organisation_id", "id"])
    op.create_table(
        "event",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "former_slug",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("noun", sa.String(length=32), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_former_slug"),
        sa.UniqueConstraint("noun", "slug", name="uq_former_slug_noun_slug"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "observed_property",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name_ko", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("definition", sa.String(length=2000), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_observed_property"),
        sa.UniqueConstraint("key", name="uq_observed_property_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "organisation",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name_ko", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
        sa.UniqueConstraint("slug", name="uq_organisation_slug"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "person",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("contact", sa.String(length=254), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("email", name="uq_person_email"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_key",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_api_key_organisation_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_api_key_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("prefix", name="uq_api_key_prefix"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_key_organisation_id", "api_key", ["organisation_id"])
    op.create_index("ix_api_key_person_id", "api_key", ["person_id"])
    op.create_table(
        "device",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_device_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("organisation_id", "name", name="uq_device_organisation_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "membership",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_membership_organisation_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_membership_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
        sa.UniqueConstraint(
            "person_id", "organisation_id", "role", name="uq_membership_person_id_organisation_id_role"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_membership_organisation_id", "membership", ["organisation_id"])
    op.create_table(
        "sensor",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("encoding_type", sa.String(length=200), nullable=False),
        sa.Column("metadata", sa.String(length=2000), nullable=False),
        sa.Column("decommissioned_at", sa.BigInteger(), nullable=True),
        sa.Column("decommission_reason", sa.String(length=2000), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_sensor_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sensor"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sensor_organisation_id", "sensor", ["organisation_id"])
    op.create_table(
        "thing",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("device_id", BIG_ID, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("properties", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decommissioned_at", sa.BigInteger(), nullable=True),
        sa.Column("decommission_reason", sa.String(length=2000), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_thing_device_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_thing_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_thing"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_thing_device_id", "thing", ["device_id"])
    op.create_index("ix_thing_organisation_id", "thing", ["organisation_id"])
    op.create_table(
        "datastream",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("thing_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("sensor_id", BIG_ID, nullable=False),
        sa.Column("observed_property_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=True),
        sa.Column("label", sa.String(length=8), nullable=False),
        sa.Column("range_low", sa.Double(), nullable=True),
        sa.Column("range_high", sa.Double(), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=2000), nullable=True),
        sa.ForeignKeyConstraint(
            ["observed_property_id"], ["observed_property.id"], name="fk_datastream_observed_property_id"
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_datastream_organisation_id"),
        sa.ForeignKeyConstraint(["sensor_id"], ["sensor.id"], name="fk_datastream_sensor_id"),
        sa.ForeignKeyConstraint(["thing_id"], ["thing.id"], name="fk_datastream_thing_id"),
        sa.PrimaryKeyConstraint("id", name="pk_datastream"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_datastream_observed_property_id", "datastream", ["observed_property_id"])
    op.create_index("ix_datastream_organisation_id", "datastream", ["organisation_id"])
    op.create_index("ix_datastream_public", "datastream", ["public"])
    op.create_index("ix_datastream_thing_id", "datastream", ["thing_id"])
    op.create_table(
        "location",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("thing_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["thing_id"], ["thing.id"], name="fk_location_thing_id"),
        sa.PrimaryKeyConstraint("id", name="pk_location"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_location_thing_id_since", "location", ["thing_id", "since"])
    op.create_table(
        "field_mapping",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("device_id", BIG_ID, nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("datastream_id", BIG_ID, nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=True),
        sa.Column("scale", sa.Double(), nullable=False),
        sa.Column("offset", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["datastream_id"], ["datastream.id"], name="fk_field_mapping_datastream_id"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_field_mapping_device_id"),
        sa.PrimaryKeyConstraint("id", name="pk_field_mapping"),
        sa.UniqueConstraint("device_id", "field", name="uq_field_mapping_device_id_field"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_field_mapping_datastream_id", "field_mapping", ["datastream_id"])
