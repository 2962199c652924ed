"""Meters."""

import sqlalchemy as sa
from alembic import op

revision = "meters_0001"
down_revision = None
branch_labels = ("meters",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.create_table(
        "meters",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("readings", sa.BigInteger, nullable=False),
        sa.Column("last_reading", sa.Uuid),
        sa.Column("last_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
