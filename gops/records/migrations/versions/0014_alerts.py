"""Alert rules, where they stand, what happened, what is to be sent.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.JSON(), nullable=False),
        sa.Column("quality", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("message_ko", sa.String(length=2000), nullable=False),
        sa.Column("message_en", sa.String(length=2000), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_alert_rule_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rule"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_rule_organisation_id", "alert_rule", ["organisation_id"])
    op.create_table(
        "alert_state",
        sa.Column("rule_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("datastream_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("text", sa.String(length=65536), nullable=True),
        sa.Column("same", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rule.id"], name="fk_alert_state_rule_id"),
        sa.ForeignKeyConstraint(["datastream_id"], ["datastream.id"], name="fk_alert_state_datastream_id"),
        sa.PrimaryKeyConstraint("rule_id", "datastream_id", name="pk_alert_state"),
    )
    op.create_index("ix_alert_state_datastream_id", "alert_state", ["datastream_id"])
    op.create_table(
        "alert_event",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("datastream_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_name", sa.String(length=200), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("text", sa.String(length=65536), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_alert_event_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_event_organisation_id_id", "alert_event", ["organisation_id", "id"])
    op.create_index("ix_alert_event_rule_id", "alert_event", ["rule_id"])
    op.create_index("ix_alert_event_at", "alert_event", ["at"])
    op.create_table(
        "alert_delivery",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.Column("channel", sa.JSON(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_alert_delivery_organisation_id"),
        sa.ForeignKeyConstraint(["event_id"], ["alert_event.id"], name="fk_alert_delivery_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_delivery"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_delivery_organisation_id_id", "alert_delivery", ["organisation_id", "id"])
    op.create_index("ix_alert_delivery_state_next_at", "alert_delivery", ["state", "next_at"])
    op.create_index("ix_alert_delivery_event_id", "alert_delivery", ["event_id"])
    op.create_table(
        "alert_lease",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alert_lease"),
    )
