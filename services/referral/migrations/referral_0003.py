"""The referrals of a case are found by its id."""

from alembic import op

revision = "referral_0003"
down_revision = "referral_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("referrals_case_id", "referrals", ["case_id"])
