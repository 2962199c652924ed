"""Indexes for an event of another service, which names an institution and a programme and no area."""

from alembic import op

revision = "pof_0002"
down_revision = "pof_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("dossiers_institution", "dossiers", ["institution"])
    op.create_index("registered_workplaces_programme", "registered_workplaces", ["programme"])
    op.create_index("searching_learners_programme", "searching_learners", ["programme"])
