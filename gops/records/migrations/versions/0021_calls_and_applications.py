"""More of calls and applications.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("call", sa.Column("questions_until", sa.BigInteger(), nullable=True))
    op.add_column("call", sa.Column("answers_until", sa.BigInteger(), nullable=True))
    op.add_column("call", sa.Column("review_until", sa.BigInteger(), nullable=True))
    op.add_column("application", sa.Column("theme", sa.String(length=32), nullable=True))
    op.add_column("application", sa.Column("details", sa.JSON(none_as_null=True), nullable=True))
    op.create_index("ix_application_theme", "application", ["theme"])
    _of_calls()
    _of_applications()
    op.create_table(
        "clock_told",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("clock", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clock_told"),
        sa.UniqueConstraint("clock", "subject_id", "due_at", "days", name="uq_clock_told_clock_subject_id_due_at_days"),
        sqlite_autoincrement=True,
    )


def _of_calls() -> None:
    op.create_table(
        "call_question",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(length=2000), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_call_question_call_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_call_question_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call_question"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_question_call_id_id", "call_question", ["call_id", "id"])
    op.create_table(
        "call_erratum",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("text_ko", sa.String(length=2000), nullable=False),
        sa.Column("text_en", sa.String(length=2000), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_call_erratum_call_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call_erratum"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_erratum_call_id_id", "call_erratum", ["call_id", "id"])


def _of_applications() -> None:
    op.create_table(
        "application_member",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("organisation_id", BIG_ID, nullable=False),
        sa.Column("part", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_application_member_application_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_application_member_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_application_member"),
        sa.UniqueConstraint(
            "application_id", "organisation_id", name="uq_application_member_application_id_organisation_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_application_member_organisation_id", "application_member", ["organisation_id"])
    op.create_table(
        "application_document",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("application_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("scanned", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_application_document_application_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_application_document_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_application_document"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_application_document_application_id_id", "application_document", ["application_id", "id"])
