"""Rows of projections have no version; the list of dossiers is paged by the day of their announcement."""

from alembic import op

revision = "pof_0004"
down_revision = "pof_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("registered_workplaces", "searching_learners"):
        op.drop_column(table, "version")
    op.create_index("dossiers_announced", "dossiers", ["announced_on", "id"])
