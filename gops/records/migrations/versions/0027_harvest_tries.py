"""What the links of harvested datasets answered.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "harvest_try",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("dataset_id", BIG_ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_harvest_try_dataset_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_harvest_try")),
        sa.UniqueConstraint("dataset_id", name=op.f("uq_harvest_try_dataset_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_harvest_try_next_at", "harvest_try", ["next_at"])
