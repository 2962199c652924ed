"""Tallies, samples, errands, and the rows of a projection."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "tally_0001"
down_revision = None
branch_labels = ("tally",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "samples",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("flag", sa.Boolean, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("case", sa.Uuid, nullable=False),
        sa.Column("colour", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("parts", JSONB, nullable=False),
        sa.Column("colours", JSONB, nullable=False),
        sa.Column("best", JSONB, nullable=False),
        sa.Column("maybe_text", sa.Text),
        sa.Column("maybe_flag", sa.Boolean),
        sa.Column("maybe_number", sa.BigInteger),
        sa.Column("maybe_share", sa.Double),
        sa.Column("maybe_moment", sa.DateTime(timezone=True)),
        sa.Column("maybe_day", sa.Date),
        sa.Column("maybe_case", sa.Uuid),
        sa.Column("maybe_colour", sa.Text),
        sa.Column("maybe_state", sa.Text),
        sa.Column("maybe_best", JSONB),
        sa.Column("maybe_colours", JSONB),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "errands",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("correlation", sa.Text),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sights",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("colour", sa.Text),
        sa.Column("on", sa.Date),
    )
    op.create_index("sights_group", "sights", ["group"])
