"""Review and regulatory checks.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _review()
    _regulatory()


def _review() -> None:
    op.create_table(
        "evaluator",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("load", sa.BigInteger(), nullable=False),
        sa.Column("employers", sa.JSON(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_evaluator_call_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_evaluator_person_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_evaluator_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_evaluator"),
        sa.UniqueConstraint("call_id", "person_id", name="uq_evaluator_call_id_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_evaluator_person_id", "evaluator", ["person_id"])
    op.create_table(
        "review_bid",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("evaluator_id", BIG_ID, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("bid", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["evaluator_id"], ["evaluator.id"], name="fk_review_bid_evaluator_id"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_review_bid_application_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review_bid"),
        sa.UniqueConstraint("evaluator_id", "application_id", name="uq_review_bid_evaluator_id_application_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_review_bid_application_id", "review_bid", ["application_id"])
    op.create_table(
        "review",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("evaluator_id", BIG_ID, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("comment_ko", sa.String(length=2000), nullable=False),
        sa.Column("comment_en", sa.String(length=2000), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("assigned_at", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["evaluator_id"], ["evaluator.id"], name="fk_review_evaluator_id"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_review_application_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review"),
        sa.UniqueConstraint("evaluator_id", "application_id", name="uq_review_evaluator_id_application_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_review_application_id", "review", ["application_id"])
    op.create_table(
        "municipal_score",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_municipal_score_application_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_municipal_score_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_municipal_score"),
        sa.UniqueConstraint(
            "application_id", "organisation_id", name="uq_municipal_score_application_id_organisation_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_municipal_score_organisation_id", "municipal_score", ["organisation_id"])


def _regulatory() -> None:
    op.create_table(
        "answerer",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_answerer_call_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_answerer_person_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_answerer_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_answerer"),
        sa.UniqueConstraint("call_id", "person_id", name="uq_answerer_call_id_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_answerer_person_id", "answerer", ["person_id"])
    op.create_table(
        "regulatory_check",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("question", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_regulatory_check_call_id"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_regulatory_check_application_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_regulatory_check_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_regulatory_check"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_regulatory_check_application_id", "regulatory_check", ["application_id"])
    op.create_index("ix_regulatory_check_call_id_id", "regulatory_check", ["call_id", "id"])
    op.create_index("ix_regulatory_check_state_due_at", "regulatory_check", ["state", "due_at"])
    op.create_table(
        "exemption",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("site_id", BIG_ID, nullable=True),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column("need", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("first_week", sa.BigInteger(), nullable=True),
        sa.Column("end_week", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("scale", sa.String(length=2000), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("review_pending", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_exemption_application_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_exemption_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exemption"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_exemption_application_id", "exemption", ["application_id"])
    op.create_index("ix_exemption_state_ends_at", "exemption", ["state", "ends_at"])
