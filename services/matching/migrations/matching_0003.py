"""What an agreement means for a search, whichever of the two comes first."""

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
    # The planned last day of what runs is kept by the search that rests for it; of the others nobody knows it any more.
    op.execute(
        "update agreements a set ends_on = s.settled_until from learner_searches s "
        "where s.id = a.learner_id and a.starts_on is not null and a.ended_on is null"
    )
