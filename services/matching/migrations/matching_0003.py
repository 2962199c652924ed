"""Agreements keep their planned last day and proposal, so that agreement and search may come in either order."""

import sqlalchemy as sa
from alembic import op

revision = "matching_0003"
down_revision = "matching_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agreements", sa.Column("ends_on", sa.Date))
    op.add_column("agreements", sa.Column("proposal_id", sa.Uuid))
    op.create_index("agreements_learner_id", "agreements", ["learner_id"])
    # The planned last day of a running agreement is in the search that rests for it. For other agreements it was not
    # stored, and stays empty.
    op.execute(
        "update agreements a set ends_on = s.settled_until from learner_searches s "
        "where s.id = a.learner_id and a.starts_on is not null and a.ended_on is null"
    )
