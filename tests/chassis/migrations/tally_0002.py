"""The rows of a projection."""

import sqlalchemy as sa
from alembic import op

revision = "tally_0002"
down_revision = "tally_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sights",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("colour", sa.Text),
        sa.Column("on", sa.Date),
    )
    op.create_index("sights_group", "sights", ["group"])
