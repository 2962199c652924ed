"""The six outcomes, and what holds after each: the same for every size of batch and on both stores."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chassis.failures import RetryPolicy
from chassis.handling import PermanentError, TransientError
from chassis.messaging.dead_letter_limit import DeadLetterLimit, Halted
from chassis.messaging.pipeline import Paused
from chassis.outbox_records import OutboxRecord
from chassis.record import Outcome, Record
from chassis.testing.builders import NOON, a_record
from chassis.testing.fakes import MemoryStore
from contracts.envelope import encoded
from contracts.operations import DeadLetterOpened
from contracts.vocabulary import DeadLetterReason
from tests.builders import a_question
from tests.chassis.conftest import RecordingPublisher, Rig, Unreliable, WithoutTransactions, of_type
from tests.chassis.tally import Begun, Counted, GroupCounted, Handlers, TallyChanged, a_count

HANDLED, DUPLICATE, IGNORED = Outcome.HANDLED, Outcome.DUPLICATE, Outcome.IGNORED
PARKED, DEAD_LETTERED = Outcome.PARKED, Outcome.DEAD_LETTERED

Trouble = Callable[[Counted | Begun], None]


def totals(outbox: list[OutboxRecord], tally_id: UUID) -> list[int]:
    """The published totals of a tally, in order."""
    events = [TallyChanged.from_json(record.value) for record in of_type(outbox, TallyChanged)]
    return [event.total for event in events if event.tally_id == tally_id]


def fails(error: Exception, *, amount: int, times: int = 1_000_000) -> Trouble:
    """Raises this error for every count of this amount, so many times."""
    left = [times]

    def trouble(event: Counted | Begun) -> None:
        if event.amount == amount and left[0]:
            left[0] -= 1
            raise error

    return trouble


def made_anew(rig: Rig, **changed: object) -> Rig:
    """The same rig with some parts replaced."""
    return replace(rig, slept=[], publisher=RecordingPublisher(), **changed)  # type: ignore[arg-type]


def an_invalid_record(key: bytes | None = None) -> Record:
    """An event whose data is not valid for its type."""
    return a_record(a_count(), key=key, value=b'{"amount": "many"}')


async def test_a_new_event_is_handled(rig: Rig) -> None:
    count = a_count(amount=3)
    assert await rig.deliver(a_record(count)) == [HANDLED]
    assert await rig.total(count.tally_id) == 3
    assert totals(await rig.outbox(), count.tally_id) == [3]


async def test_the_relay_is_woken_when_there_is_something_to_publish(rig: Rig) -> None:
    await rig.deliver(a_record(a_question()))
    assert rig.publisher.woken == 0
    await rig.deliver(a_record(a_count()))
    assert rig.publisher.woken == 1


async def test_a_second_delivery_does_nothing(rig: Rig) -> None:
    record = a_record(a_count())
    await rig.deliver(record)
    before = await rig.outbox()
    assert await rig.deliver(record, record) == [DUPLICATE, DUPLICATE]
    assert await rig.outbox() == before


async def test_an_event_that_was_sent_twice_counts_once(rig: Rig) -> None:
    count = a_count()
    once, twice = a_record(count, id_="same"), a_record(count, id_="same")
    assert await rig.deliver(once, a_record(a_count()), twice) == [HANDLED, HANDLED, DUPLICATE]
    assert await rig.total(count.tally_id) == 1


async def test_an_event_of_a_type_without_a_handler_is_ignored(rig: Rig) -> None:
    count = a_count()
    assert await rig.deliver(a_record(a_question()), a_record(count)) == [IGNORED, HANDLED]
    assert len(await rig.outbox()) == 1


async def test_events_of_a_key_are_handled_in_order(rig: Rig) -> None:
    one, other = uuid4(), uuid4()
    records = [a_record(a_count(id_, amount)) for amount in (1, 10, 100) for id_ in (one, other)]
    assert await rig.deliver(*records) == [HANDLED] * 6
    outbox = await rig.outbox()
    assert totals(outbox, one) == totals(outbox, other) == [1, 11, 111]


async def test_an_event_sees_what_the_one_before_it_did(rig: Rig) -> None:
    count = a_count(group="late")
    everybody = GroupCounted(count_id=uuid4(), group="late")
    assert await rig.deliver(a_record(count), a_record(everybody), a_record(a_count(count.tally_id))) == [HANDLED] * 3
    assert totals(await rig.outbox(), count.tally_id) == [1, 2, 3]


async def test_events_are_numbered_without_a_gap_per_aggregate(rig: Rig) -> None:
    ids = [uuid4(), uuid4()]
    await rig.deliver(*[a_record(a_count(id_)) for _ in range(3) for id_ in ids])
    await rig.deliver(*[a_record(a_count(id_)) for _ in range(2) for id_ in ids])
    outbox = await rig.outbox()
    for id_ in ids:
        mine = [record for record in outbox if record.aggregate_id == id_]
        assert [record.sequence for record in mine] == [1, 2, 3, 4, 5]
        assert [dict(record.headers)["ce_sequence"] for record in mine] == [f"{n:012d}" for n in range(1, 6)]


async def test_the_same_input_publishes_the_same_events_whenever_and_however_it_comes(rig: Rig) -> None:
    ids = [uuid4() for _ in range(3)]
    records = [a_record(a_count(id_, amount, "g")) for amount in range(1, 5) for id_ in ids]
    records.insert(7, a_record(GroupCounted(count_id=uuid4(), group="g")))
    later = Rig(MemoryStore(), batch=3, now=NOON + timedelta(days=400))
    await rig.deliver(*records)
    await later.deliver(*records)

    def without_clock(outbox: list[OutboxRecord]) -> list[OutboxRecord]:
        headers = [[header for header in record.headers if header[0] != "ce_recordedtime"] for record in outbox]
        return [record._replace(headers=kept) for record, kept in zip(outbox, headers, strict=True)]

    now, then = await rig.outbox(), await later.outbox()
    assert now != then, "the test wants the clock to differ"
    assert {record[:2] for record in now} == {record[:2] for record in then}
    for id_ in ids:
        assert [r for r in without_clock(now) if r.aggregate_id == id_] == [
            r for r in without_clock(then) if r.aggregate_id == id_
        ]


async def test_an_event_names_its_cause_and_keeps_the_trace(rig: Rig) -> None:
    record = a_record(a_count(), id_="cause-1")
    headers = [*record.headers, ("traceparent", b"00-11111111111111111111111111111111-2222222222222222-01")]
    await rig.deliver(record._replace(headers=headers))
    (outbox_record,) = await rig.outbox()
    sent = dict(encoded(outbox_record.headers))
    assert sent["ce_causationid"] == b"cause-1"
    assert sent["ce_correlationid"] == dict(record.headers)["ce_correlationid"]
    assert sent["traceparent"] == b"00-11111111111111111111111111111111-2222222222222222-01"
    assert sent["ce_time"] == dict(record.headers)["ce_time"]


async def test_one_failing_record_is_set_aside_alone_and_only_its_key_waits(rig: Rig) -> None:
    rig = made_anew(rig, handlers=Handlers(fails(PermanentError("too much"), amount=13)))
    bad, good = uuid4(), uuid4()
    records = [
        a_record(a_count(id_, amount)) for amount in (1, 13, 2) for id_ in (bad, good) if (id_, amount) != (good, 13)
    ]
    assert await rig.deliver(*records) == [HANDLED, HANDLED, DEAD_LETTERED, PARKED, HANDLED]
    assert (await rig.total(bad), await rig.total(good)) == (1, 3)
    first, behind = await rig.letters()
    assert (first.record, first.reason, first.error, first.detail) == (
        records[2],
        DeadLetterReason.REFUSED,
        "PermanentError",
        "too much",
    )
    assert (behind.record, behind.reason) == (records[3], DeadLetterReason.BEHIND)


async def test_a_key_waits_as_long_as_its_dead_letter_is_open(rig: Rig) -> None:
    id_ = uuid4()
    key = str(id_).encode()
    assert await rig.deliver(an_invalid_record(key)) == [DEAD_LETTERED]
    assert await rig.deliver(a_record(a_count(id_)), a_record(a_count())) == [PARKED, HANDLED]
    assert await rig.total(id_) is None


async def test_what_stands_right_behind_a_record_that_cannot_be_read_waits_too(rig: Rig) -> None:
    id_ = uuid4()
    behind = a_record(a_count(id_))
    outcomes = await rig.deliver(an_invalid_record(behind.key), behind, a_record(a_count()))
    assert outcomes == [DEAD_LETTERED, PARKED, HANDLED]
    assert await rig.total(id_) is None


async def test_a_record_that_is_ignored_does_not_wait(rig: Rig) -> None:
    question = a_question()
    await rig.deliver(an_invalid_record(str(question.case_id).encode()))
    parked_elsewhere = a_record(question)
    assert await rig.deliver(parked_elsewhere) == [IGNORED]


async def test_records_without_a_key_do_not_wait_for_each_other(rig: Rig) -> None:
    bad, good = an_invalid_record()._replace(key=None), a_record(a_count())._replace(key=None)
    assert await rig.deliver(bad, good) == [DEAD_LETTERED, HANDLED]


async def test_a_dead_letter_leaves_exactly_one_notice_however_often_it_comes(rig: Rig) -> None:
    record = an_invalid_record(b"k")
    assert await rig.deliver(record) == [DEAD_LETTERED]
    assert await rig.deliver(record, record) == [DUPLICATE, DUPLICATE]
    (letter,) = await rig.letters()
    (outbox_record,) = await rig.outbox()
    notice = DeadLetterOpened.from_json(outbox_record.value)
    assert outbox_record.topic == "duaal.tally.dead-letters"
    assert (notice.dead_letter_id, notice.service, notice.reason) == (letter.id, "tally", DeadLetterReason.INVALID_DATA)
    assert (notice.topic, notice.partition, notice.offset) == (record.topic, record.partition, record.offset)
    assert notice.type == Counted.declaration.type


async def test_a_notice_holds_nothing_of_the_record(rig: Rig) -> None:
    secret = b"Lotte-Peeters"
    headers: list[tuple[str, bytes | None]] = [("ce_id", secret), ("ce_type", secret), ("x", secret)]
    record = a_record(key=secret, headers=headers, value=b'{"name": "%s"}' % secret)
    await rig.deliver(record, an_invalid_record()._replace(key=secret, value=b'{"amount": "%s"}' % secret))
    for outbox_record in await rig.outbox():
        assert secret not in outbox_record.value
        assert not [name for name, text in outbox_record.headers if secret.decode() in text]
    assert not [letter for letter in await rig.letters() if secret.decode() in letter.detail + letter.error]


async def test_something_passing_is_tried_again(rig: Rig) -> None:
    rig = made_anew(rig, handlers=Handlers(fails(TransientError("busy"), amount=7, times=3)))
    count = a_count(amount=7)
    assert await rig.deliver(a_record(count)) == [HANDLED]
    assert await rig.total(count.tally_id) == 7
    assert rig.slept == sorted(rig.slept)
    assert len(rig.slept) >= 1


async def test_a_record_is_set_aside_when_its_attempts_are_exhausted(rig: Rig) -> None:
    rig = made_anew(
        rig, handlers=Handlers(fails(TransientError("busy"), amount=7)), retry_policy=RetryPolicy(attempts=3)
    )
    bad, good = a_count(amount=7), a_count()
    assert await rig.deliver(a_record(bad), a_record(good)) == [DEAD_LETTERED, HANDLED]
    (letter,) = await rig.letters()
    assert (letter.reason, letter.error, letter.attempts) == (DeadLetterReason.EXHAUSTED, "TransientError", 3)
    assert len(rig.slept) == 2


@pytest.mark.parametrize("down", [{"refuses": 3}, {"breaks": 3}], ids=["at-the-start", "before-the-commit"])
async def test_nothing_is_lost_or_blamed_when_the_database_is_down(rig: Rig, down: dict[str, int]) -> None:
    rig = made_anew(rig, store=Unreliable(rig.store, **down))
    records = [a_record(a_count()) for _ in range(5)]
    pauses = 0
    outcomes: list[Outcome] = []
    while not outcomes:
        try:
            outcomes = await rig.deliver(*records)
        except Paused:
            pauses += 1
    assert pauses >= 1
    assert set(outcomes) <= {HANDLED, DUPLICATE}
    assert await rig.letters() == []
    assert len(await rig.outbox()) == 5


async def test_what_a_pause_leaves_half_done_is_finished_by_the_next_delivery(rig: Rig) -> None:
    rig = made_anew(rig, handlers=Handlers(fails(OSError("partner is down"), amount=9, times=2)))
    records = [a_record(a_count(amount=amount)) for amount in (1, 9, 2)]
    with pytest.raises(Paused):
        await rig.deliver(*records)
    while True:
        try:
            outcomes = await rig.deliver(*records)
            break
        except Paused:
            continue
    # The third record does not depend on the second: in one batch it was handled before the pause.
    assert outcomes == [DUPLICATE, HANDLED, HANDLED if rig.batch == 1 else DUPLICATE]
    assert sorted(TallyChanged.from_json(record.value).total for record in await rig.outbox()) == [1, 2, 9]


async def test_too_many_dead_letters_in_a_row_halt_the_service(rig: Rig) -> None:
    rig = made_anew(rig, limit=DeadLetterLimit(in_a_row=3))
    with pytest.raises(Halted, match="in a row"):
        await rig.deliver(*[an_invalid_record() for _ in range(5)])
    assert len(await rig.letters()) <= 3, "the one too many was committed"
    assert rig.counted(Outcome.HALTED) == 1


async def test_a_good_record_at_the_end_of_the_batch_hides_nothing(rig: Rig) -> None:
    rig = made_anew(rig, limit=DeadLetterLimit(in_a_row=3))
    with pytest.raises(Halted):
        await rig.deliver(*[an_invalid_record() for _ in range(5)], a_record(a_count()))


async def test_as_many_dead_letters_as_allowed_do_not_halt(rig: Rig) -> None:
    rig = made_anew(rig, limit=DeadLetterLimit(in_a_row=3))
    some = [*[an_invalid_record() for _ in range(3)], a_record(a_count())] * 2
    assert HANDLED in await rig.deliver(*some)


async def test_too_large_a_share_of_dead_letters_halts_the_service(rig: Rig) -> None:
    rig = made_anew(rig, limit=DeadLetterLimit(in_a_row=100, share=0.5, of_last=10))
    records = [record for _ in range(5) for record in (a_record(a_count()), an_invalid_record())]
    assert len(await rig.deliver(*records)) == 10
    with pytest.raises(Halted, match="of the last 10"):
        await rig.deliver(an_invalid_record(), an_invalid_record())


async def test_every_partition_has_a_limit_of_its_own(rig: Rig) -> None:
    rig = made_anew(rig, limit=DeadLetterLimit(in_a_row=3))
    records = [an_invalid_record()._replace(partition=number % 4) for number in range(12)]
    assert await rig.deliver(*records) == [DEAD_LETTERED] * 12


class _OfALibrary(Exception):
    """An error class with an odd name."""


async def test_a_failure_with_an_odd_name_is_set_aside_like_any_other(rig: Rig) -> None:
    rig = made_anew(rig, handlers=Handlers(fails(_OfALibrary("Lotte Peeters"), amount=13)))
    assert await rig.deliver(a_record(a_count(amount=13)), a_record(a_count())) == [DEAD_LETTERED, HANDLED]
    (letter,) = await rig.letters()
    assert (letter.error, letter.detail) == ("OfALibrary", "_OfALibrary")


def a_beginning(tally_id: UUID | None = None, amount: int = 1) -> Begun:
    """An event whose handler loads nothing."""
    return Begun(tally_id=tally_id or uuid4(), amount=amount)


async def test_what_reads_nothing_needs_no_transaction(rig: Rig) -> None:
    events = [a_beginning(amount=number) for number in range(1, 4)]
    outcomes = await made_anew(rig, store=WithoutTransactions(rig.store)).deliver(*map(a_record, events))
    assert outcomes == [HANDLED] * 3
    assert [await rig.total(event.tally_id) for event in events] == [1, 2, 3]
    assert [totals(await rig.outbox(), event.tally_id) for event in events] == [[1], [2], [3]]


async def test_what_reads_nothing_is_handled_once_too(rig: Rig) -> None:
    first, second, third = (a_record(a_beginning()) for _ in range(3))
    assert await rig.deliver(first, second, first) == [HANDLED, HANDLED, DUPLICATE]
    assert await rig.deliver(second, third, first) == [DUPLICATE, HANDLED, DUPLICATE]
    assert len(await rig.outbox()) == 3


async def test_what_reads_nothing_waits_behind_a_dead_letter_of_its_key(rig: Rig) -> None:
    tally_id = uuid4()
    refuses = made_anew(rig, handlers=Handlers(fails(PermanentError("no"), amount=7)))
    assert await refuses.deliver(a_record(a_count(tally_id, 7))) == [DEAD_LETTERED]
    assert await rig.deliver(a_record(a_beginning(tally_id)), a_record(a_beginning())) == [PARKED, HANDLED]
    assert await rig.total(tally_id) is None


async def test_what_reads_nothing_and_fails_is_set_aside_alone(rig: Rig) -> None:
    rig = made_anew(rig, handlers=Handlers(fails(PermanentError("no"), amount=7)))
    bad, good = a_beginning(amount=7), a_beginning()
    invalid = a_record(a_beginning(), value=b"{")
    assert await rig.deliver(a_record(good), a_record(bad), invalid) == [HANDLED, DEAD_LETTERED, DEAD_LETTERED]
    assert await rig.total(good.tally_id) == 1
    assert [letter.type for letter in await rig.letters()] == [Begun.declaration.type] * 2


async def test_what_reads_nothing_pauses_while_the_database_is_down(rig: Rig) -> None:
    record = a_record(a_beginning())
    with pytest.raises(Paused):
        await made_anew(rig, store=Unreliable(rig.store, refuses=2)).deliver(record)
    assert await rig.deliver(record) == [HANDLED]
