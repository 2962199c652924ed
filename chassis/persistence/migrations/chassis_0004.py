"""The audit: who did what, about whom, and when."""

import sqlalchemy as sa
from alembic import op

revision = "chassis_0004"
down_revision = "chassis_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("institution", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("about", sa.Uuid, nullable=False),
    )
    op.create_index("audit_about", "audit", ["about"])
    op.create_index("audit_at", "audit", ["at"], postgresql_using="brin")
