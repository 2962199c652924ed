"""The desk: due dates, status, private links, and the referrals of a case."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "intake_0003"
down_revision = "intake_0002"
branch_labels = None
depends_on = None

# Questions from before there was a due date were due two days after they were asked: the usual term.
DUE_ON = "(({}) at time zone 'Europe/Brussels')::date + 2"
OLD_CASES = f"""
    update cases set
        due_on = {DUE_ON.format("opened_at")},
        status = 'OPEN',
        topics = jsonb_path_query_array(questions, '$[last].topics[*].topic')
"""
OLD_QUESTIONS = f"""
    update cases set questions = (
        select jsonb_agg(
            question || jsonb_build_object('due_on', {DUE_ON.format("(question->>'asked_at')::timestamptz")})
            order by position
        )
        from jsonb_array_elements(questions) with ordinality questions(question, position)
    )
    where questions <> '[]'
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("due_on", sa.Date))
    op.add_column("cases", sa.Column("status", sa.Text))
    op.add_column("cases", sa.Column("topics", JSONB))
    op.execute(OLD_CASES)
    op.execute(OLD_QUESTIONS)
    for name in ("due_on", "status", "topics"):
        op.alter_column("cases", name, nullable=False)
    of_the_desk = ["due_on", "opened_at", "id", "audience", "subregion", "topics"]
    op.create_index("cases_open", "cases", of_the_desk, postgresql_where=sa.text("status = 'OPEN'"))
    op.create_index("cases_closed", "cases", of_the_desk, postgresql_where=sa.text("status <> 'OPEN'"))
    op.create_table(
        "case_links",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("made_on", sa.Date, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("withdrawn_on", sa.Date),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("case_links_token_hash", "case_links", ["token_hash"], unique=True)
    op.create_table(
        "case_referrals",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("question_id", sa.Uuid, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("service_id", sa.Text, nullable=False),
        sa.Column("rule_id", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        sa.Column("outcome", sa.Text),
    )
    op.create_index("case_referrals_case_id", "case_referrals", ["case_id"])
    op.create_index("case_referrals_open", "case_referrals", ["case_id"], postgresql_where=sa.text("closed_on is null"))
