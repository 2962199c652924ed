"""Agreements that partners report; a search rests while one runs."""

import sqlalchemy as sa
from alembic import op

revision = "matching_0002"
down_revision = "matching_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("learner_searches", sa.Column("settled_until", sa.Date))
    op.create_table(
        "agreements",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("learner_id", sa.Uuid, nullable=False),
        sa.Column("starts_on", sa.Date),
        sa.Column("ended_on", sa.Date),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
