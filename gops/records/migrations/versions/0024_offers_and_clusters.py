"""Appeals, offers, conditions of slots, action clusters.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _offers()
    _appeals()
    _clusters()


def _offers() -> None:
    op.create_table(
        "offer",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("slot_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("from_reserve", sa.Boolean(), nullable=False),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("lapses_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_offer_call_id"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_offer_application_id"),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name="fk_offer_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_offer"),
        sa.UniqueConstraint("application_id", name="uq_offer_application_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_offer_call_id_id", "offer", ["call_id", "id"])
    op.create_index("ix_offer_slot_id", "offer", ["slot_id"])
    op.create_index("ix_offer_state_lapses_at", "offer", ["state", "lapses_at"])
    op.create_table(
        "slot_term",
        sa.Column("slot_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name="fk_slot_term_slot_id"),
        sa.PrimaryKeyConstraint("slot_id", name="pk_slot_term"),
    )
    op.create_table(
        "slot_condition",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("slot_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name="fk_slot_condition_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_slot_condition"),
        sa.UniqueConstraint("slot_id", "kind", name="uq_slot_condition_slot_id_kind"),
        sqlite_autoincrement=True,
    )


def _appeals() -> None:
    op.create_table(
        "appeal_window",
        sa.Column("round_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_appeal_window_round_id"),
        sa.PrimaryKeyConstraint("round_id", name="pk_appeal_window"),
    )
    op.create_table(
        "appeal",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("round_id", BIG_ID, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("about", sa.String(length=16), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("claimed", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(length=2000), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.String(length=2000), nullable=False),
        sa.Column("decided_by", sa.String(length=16), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("correction", sa.JSON(), nullable=False),
        sa.Column("corrected_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_appeal_call_id"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_appeal_round_id"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_appeal_application_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_appeal_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_appeal"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_appeal_call_id_id", "appeal", ["call_id", "id"])
    op.create_index("ix_appeal_application_id", "appeal", ["application_id"])
    op.create_index("ix_appeal_state_due_at", "appeal", ["state", "due_at"])


def _clusters() -> None:
    op.create_table(
        "supercluster",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("title_ko", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("goal", sa.String(length=64), nullable=False),
        sa.Column("solution", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_supercluster_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_supercluster"),
        sa.UniqueConstraint("goal", "solution", name="uq_supercluster_goal_solution"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_supercluster_organisation_id", "supercluster", ["organisation_id"])
    op.create_table(
        "cluster",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("supercluster_id", BIG_ID, nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("goal", sa.String(length=64), nullable=False),
        sa.Column("solution", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=2000), nullable=False),
        sa.Column("kpis", sa.JSON(), nullable=False),
        sa.Column("milestones", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_cluster_application_id"),
        sa.ForeignKeyConstraint(["supercluster_id"], ["supercluster.id"], name="fk_cluster_supercluster_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cluster"),
        sa.UniqueConstraint("application_id", name="uq_cluster_application_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cluster_supercluster_id", "cluster", ["supercluster_id"])
    op.create_index("ix_cluster_goal_solution", "cluster", ["goal", "solution"])
    op.create_table(
        "cluster_member",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("cluster_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name="fk_cluster_member_cluster_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_cluster_member_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cluster_member"),
        sa.UniqueConstraint("cluster_id", "organisation_id", name="uq_cluster_member_cluster_id_organisation_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cluster_member_organisation_id", "cluster_member", ["organisation_id"])
