"""Feedback of partners on referrals."""

import sqlalchemy as sa
from alembic import op

revision = "referral_0002"
down_revision = "referral_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("acknowledged_on", "progressed_on", "closed_on"):
        op.add_column("referrals", sa.Column(name, sa.Date))
    op.add_column("referrals", sa.Column("outcome", sa.Text))
