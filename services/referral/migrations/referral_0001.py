"""Referrals."""

import sqlalchemy as sa
from alembic import op

revision = "referral_0001"
down_revision = None
branch_labels = ("referral",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.create_table(
        "referrals",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("service_id", sa.Text, nullable=False),
        sa.Column("next_service_id", sa.Text),
        sa.Column("rule_id", sa.Text, nullable=False),
        sa.Column("rule_version", sa.Text, nullable=False),
        sa.Column("sla_days", sa.BigInteger, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("audience", sa.Text),
        sa.Column("subregion", sa.Text),
        sa.Column("case_id", sa.Uuid),
        sa.Column("question_id", sa.Uuid),
        sa.Column("learner_id", sa.Uuid),
        sa.Column("risk_id", sa.Uuid),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
