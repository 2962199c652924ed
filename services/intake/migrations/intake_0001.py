"""Cases, the vault, learners and workplaces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "intake_0001"
down_revision = None
branch_labels = ("intake",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("age_band", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("subregion", sa.Text),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("questions", JSONB, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "vault",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("organisation", sa.Text),
        sa.Column("words", sa.Text),
        sa.Column("numbers_removed", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "learners",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("school_reference", sa.Text, nullable=False),
        sa.Column("school", sa.Text, nullable=False),
        sa.Column("education_type", sa.Text, nullable=False),
        sa.Column("age_band", sa.Text, nullable=False),
        sa.Column("subregion", sa.Text),
        sa.Column("searches", sa.BigInteger, nullable=False),
        sa.Column("risks", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("learners_school_reference", "learners", ["school_reference"], unique=True)
    op.create_table(
        "workplaces",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("enterprise_number", sa.Text, nullable=False),
        sa.Column("nis", sa.Text, nullable=False),
        sa.Column("subregion", sa.Text, nullable=False),
        sa.Column("registered_on", sa.Date, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
