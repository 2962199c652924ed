"""Outbox: what could not be sent, why, and until when it is left alone; and what a person took out of it."""

import sqlalchemy as sa
from alembic import op

revision = "chassis_0002"
down_revision = "chassis_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("error", sa.Text))
    op.add_column("outbox", sa.Column("held_until", sa.DateTime(timezone=True)))
    op.create_index("outbox_held", "outbox", ["held_until"], postgresql_where=sa.text("held_until is not null"))
    # An id alone does not say whose it is: partners name some of ours.
    op.drop_constraint("outbox_once", "outbox")
    op.create_unique_constraint("outbox_once", "outbox", ["aggregate_id", "sequence", "topic"])
    op.create_table(
        "skipped_records",
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("aggregate_id", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("skipped_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("skipped_by", sa.Text, nullable=False),
        sa.Column("skipped_reason", sa.Text, nullable=False),
    )
