"""Old rows are deleted, but never so early that a record could have its effect again."""

from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.persistence.connection import Pool
from chassis.persistence.retention import AT_ONCE, Retention, RetentionJob, UnsafeRetention
from chassis.settings import Settings
from chassis.topics import TOPICS, consumed_by
from deploy.services import SERVICES

DAYS = {name: field.default for name, field in Settings.model_fields.items() if name.endswith("_days")}


@pytest.mark.parametrize("service", SERVICES)
def test_by_default_the_inbox_remembers_longer_than_any_record_can_come_back(service: str) -> None:
    retention = Retention(timedelta(days=DAYS["inbox_days"]), timedelta(days=DAYS["dead_letter_days"]))
    retention.check(timedelta(days=TOPICS[name].retention_days) for name in consumed_by(service))


def test_a_shorter_retention_of_the_inbox_than_of_the_topic_is_refused() -> None:
    with pytest.raises(UnsafeRetention, match="at least 30 days"):
        Retention(inbox=timedelta(days=29)).check([timedelta(days=30)])
    with pytest.raises(UnsafeRetention, match="at least 30 days"):
        Retention(inbox=timedelta(days=29)).check([timedelta(days=7)])


async def test_only_what_is_too_old_is_deleted(pool: Pool) -> None:
    old, young = timedelta(days=46), timedelta(days=44)
    await pool.execute(
        "insert into inbox (consumer, source, event_id, received_at) "
        "values ('tally', 's', 'old', now() - $1::interval), ('tally', 's', 'young', now() - $2::interval)",
        old,
        young,
    )
    letter = (
        'insert into dead_letters (id, topic, partition, "offset", headers, reason, error, detail, attempts, status, '
        "opened_at, closed_at) values (gen_random_uuid(), 't', 0, 0, '[]', 'REFUSED', 'e', $2, 0, $1, "
        "now() - interval '1 year', case when $1 = 'open' then null else now() - interval '31 days' end)"
    )
    await pool.execute(letter, "open", "waits")
    await pool.execute(letter, "discarded", "closed")
    await pool.execute(
        "insert into skipped_records select n, gen_random_uuid(), 1, 't', '[]', '', now(), 1, 'e', "
        "now() - n * interval '1 day', 'Els', 'because' from unnest(array[29, 31]) as n"
    )
    row = (
        "insert into audit (at, actor, way, roles, action, about) "
        "values (now() - $1::interval, 'a', 'page', '', 'A', $2)"
    )
    await pool.execute(row, timedelta(days=367), uuid4())
    await pool.execute(row, timedelta(days=365), uuid4())
    deleted = await RetentionJob(pool, Retention()).forget()
    assert deleted == {"inbox": 1, "dead_letters": 1, "skipped_records": 1, "answered_requests": 0, "audit": 1}
    assert [row[0] for row in await pool.fetch("select event_id from inbox")] == ["young"]
    assert [row[0] for row in await pool.fetch("select detail from dead_letters")] == ["waits"]


async def test_many_old_rows_are_deleted_in_small_batches(pool: Pool) -> None:
    await pool.execute(
        "insert into inbox (consumer, source, event_id, received_at) "
        "select 'tally', 's', n::text, now() - interval '1 year' from generate_series(1, $1::int) n",
        AT_ONCE + 5,
    )
    assert (await RetentionJob(pool, Retention()).forget())["inbox"] == AT_ONCE + 5
