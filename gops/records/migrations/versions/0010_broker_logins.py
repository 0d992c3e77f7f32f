"""What a broker checks secrets of devices and keys against, and secrets on their way there.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("device", "api_key"):
        op.add_column(table, sa.Column("verifier", sa.String(length=160), nullable=True))
        op.add_column(table, sa.Column("sealed", sa.String(length=300), nullable=True))
