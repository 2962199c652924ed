"""Dossiers, and what is kept of workplaces and learners."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "pof_0001"
down_revision = None
branch_labels = ("pof",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.create_table(
        "dossiers",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("programme", sa.Text, nullable=False),
        sa.Column("education_type", sa.Text, nullable=False),
        sa.Column("school_year", sa.Text, nullable=False),
        sa.Column("subregion", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("announced_on", sa.Date, nullable=False),
        sa.Column("submitted_on", sa.Date),
        sa.Column("agodi_reference", sa.Text),
        sa.Column("deadline", sa.Date),
        sa.Column("deadline_kept", sa.Boolean),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("dossiers_claim", "dossiers", ["claim"], unique=True)
    op.create_table(
        "registered_workplaces",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("programme", sa.Text, nullable=False),
        sa.Column("subregion", sa.Text, nullable=False),
        sa.Column("recognition", sa.Text, nullable=False),
        sa.Column("open_positions", sa.BigInteger, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("area", sa.Text),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("registered_workplaces_area", "registered_workplaces", ["area"])
    op.create_table(
        "searching_learners",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("programme", sa.Text, nullable=False),
        sa.Column("subregion", sa.Text),
        sa.Column("started_on", sa.Date, nullable=False),
        sa.Column("area", sa.Text),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("searching_learners_area", "searching_learners", ["area"])
