"""How long readings are kept, and to what they are thinned.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name, kind in (
        ("retention", sa.String(length=32)),
        ("thin_after", sa.String(length=32)),
        ("thin_every", sa.String(length=8)),
        ("thinned_until", sa.BigInteger()),
        ("thinned_every", sa.String(length=8)),
    ):
        op.add_column("datastream", sa.Column(name, kind, nullable=True))
    op.create_table(
        "retention_default",
        sa.Column("organisation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("retention", sa.String(length=32), nullable=True),
        sa.Column("thin_after", sa.String(length=32), nullable=True),
        sa.Column("thin_every", sa.String(length=8), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_retention_default_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_retention_default")),
    )
