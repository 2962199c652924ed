"""The unique index is named after the natural key; the area columns are gone, because loads no longer need them."""

from alembic import op

revision = "pof_0003"
down_revision = "pof_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("dossiers", "claim", new_column_name="natural_key")
    op.execute("alter index dossiers_claim rename to dossiers_natural_key")
    for table in ("registered_workplaces", "searching_learners"):
        op.drop_index(f"{table}_area", table)
        op.drop_column(table, "area")
