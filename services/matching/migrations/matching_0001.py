"""Searches and workplaces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "matching_0001"
down_revision = None
branch_labels = ("matching",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.create_table(
        "learner_searches",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("search_id", sa.Uuid, nullable=False),
        sa.Column("programme", sa.Text, nullable=False),
        sa.Column("school", sa.Text, nullable=False),
        sa.Column("education_type", sa.Text),
        sa.Column("subregion", sa.Text),
        sa.Column("age_band", sa.Text),
        sa.Column("days", JSONB, nullable=False),
        sa.Column("max_distance_km", sa.BigInteger),
        sa.Column("needs_public_transport", sa.Boolean, nullable=False),
        sa.Column("needs_accessible_place", sa.Boolean, nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("started_on", sa.Date, nullable=False),
        sa.Column("clock_days", sa.BigInteger, nullable=False),
        sa.Column("at_risk", sa.Boolean, nullable=False),
        sa.Column("proposed", JSONB, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("learner_searches_programme", "learner_searches", ["programme"])
    op.create_table(
        "workplaces",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("programme", sa.Text, nullable=False),
        sa.Column("recognition", sa.Text, nullable=False),
        sa.Column("recognised_until", sa.Date),
        sa.Column("open_positions", sa.BigInteger, nullable=False),
        sa.Column("nis", sa.Text, nullable=False),
        sa.Column("subregion", sa.Text),
        sa.Column("days", JSONB, nullable=False),
        sa.Column("public_transport", sa.Boolean),
        sa.Column("accessible", sa.Boolean),
        sa.Column("languages", JSONB, nullable=False),
        sa.Column("had_learner_before", sa.Boolean),
        sa.Column("registered_on", sa.Date, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("reservations", JSONB, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("workplaces_programme", "workplaces", ["programme"])
