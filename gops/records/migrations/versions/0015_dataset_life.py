"""The life of datasets: kinds, review, revisions, start and delay.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dataset", sa.Column("kind", sa.String(length=16), server_default="live", nullable=False))
