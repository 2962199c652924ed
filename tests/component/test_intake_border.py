"""Partners over Kafka: each of their records is accepted or rejected, once, on a real PostgreSQL."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import pytest

from chassis.messaging.redrive import Redrive
from chassis.partners import Partner
from chassis.record import Outcome, Record
from chassis.service import Service
from chassis.testing.builders import END_OF_TIME, NOON
from chassis.testing.harness import ServiceUnderTest
from contracts.envelope import encoded
from contracts.event import Event
from contracts.intake import (
    AgreementReported,
    LearnerAtRisk,
    LearnerSearchStarted,
    ProgrammatieReceived,
    QuestionReceived,
    ReferralFeedbackReceived,
    WorkplaceRegistered,
)
from contracts.partner import MessageRejected
from contracts.vocabulary import RejectionReason
from services.intake.app import build
from services.intake.application.border import LARGEST
from services.intake.settings import IntakeSettings
from tests.partners import MANIFESTS, PARTNERS, TYPES, a_partner_record, counted, data_of, forgeries, headers_by

SCHOOLSOFT, UNIZO, VDAB, CLB = (PARTNERS[id_] for id_ in ("schoolsoft", "unizo", "vdab", "clb-west"))
HANDLED, DUPLICATE = Outcome.HANDLED, Outcome.DUPLICATE


def of(name: str) -> str:
    return f"be.duaalwest.partner.{name}.v1"


@pytest.fixture
def service() -> Service:
    """A new service for every test, because the quota is counted in memory."""
    return build(IntakeSettings(database_url="unused", partners=MANIFESTS))


async def deliver(under_test: ServiceUnderTest, records: Sequence[Record]) -> list[Outcome]:
    """Deliver every record twice, as Kafka may; returns the outcomes of the first time."""
    outcomes = await under_test.deliver_records(records)
    before = counted(under_test.metrics), await under_test.events()
    assert set(await under_test.deliver_records(records)) <= {DUPLICATE}
    assert (counted(under_test.metrics), await under_test.events()) == before, "a second delivery had an effect"
    return outcomes


@pytest.mark.parametrize(
    ("sender", "name", "becomes"),
    [
        (SCHOOLSOFT, "QuestionReceived", QuestionReceived),
        (CLB, "LearnerAtRisk", LearnerAtRisk),
        (SCHOOLSOFT, "LearnerSearchStarted", LearnerSearchStarted),
        (UNIZO, "WorkplaceRegistered", WorkplaceRegistered),
        (SCHOOLSOFT, "ProgrammatieSubmitted", ProgrammatieReceived),
        (VDAB, "ReferralAcknowledged", ReferralFeedbackReceived),
        (VDAB, "ReferralProgressed", ReferralFeedbackReceived),
        (VDAB, "ReferralClosed", ReferralFeedbackReceived),
        (UNIZO, "AgreementRegistered", AgreementReported),
        (UNIZO, "AgreementEnded", AgreementReported),
    ],
)
async def test_what_a_partner_sends_is_published_without_its_references(
    under_test: ServiceUnderTest, sender: Partner, name: str, becomes: type[Event]
) -> None:
    record = a_partner_record(sender, of(name))
    assert await deliver(under_test, [record]) == [HANDLED]
    (event,) = await under_test.events()
    assert isinstance(event, becomes)
    published = event.model_dump(mode="json")
    sent = data_of(of(name))
    both = published.keys() & sent.keys()
    assert {name: published[name] for name in both} == {name: sent[name] for name in both}
    references = {sent[name] for name in ("reference", "learner_reference", "workplace_reference") if name in sent}
    assert not references & {str(value) for value in published.values()}


async def test_the_same_reference_is_the_same_thing_and_of_another_partner_another(
    under_test: ServiceUnderTest,
) -> None:
    first = a_partner_record(UNIZO, of("WorkplaceRegistered"), open_positions=1)
    again = a_partner_record(UNIZO, of("WorkplaceRegistered"), open_positions=5)
    other = a_partner_record(VDAB, of("WorkplaceRegistered"))
    await deliver(under_test, [first, again, other])
    one, two, three = [event for event in await under_test.events() if isinstance(event, WorkplaceRegistered)]
    assert one.workplace_id == two.workplace_id != three.workplace_id
    assert (one.open_positions, two.open_positions) == (1, 5)


async def test_a_learner_of_a_partner_is_one_learner_in_every_message(under_test: ServiceUnderTest) -> None:
    kinds = ("LearnerSearchStarted", "LearnerAtRisk", "AgreementRegistered", "AgreementEnded")
    await deliver(under_test, [a_partner_record(SCHOOLSOFT, of(kind)) for kind in kinds])
    assert len({getattr(event, "learner_id", None) for event in await under_test.events()}) == 1


async def test_what_a_partner_sends_twice_has_one_effect(under_test: ServiceUnderTest) -> None:
    headers = headers_by(SCHOOLSOFT, of("QuestionReceived"))
    once, twice = (a_partner_record(SCHOOLSOFT, of("QuestionReceived"), headers=headers) for _ in range(2))
    assert await deliver(under_test, [once, twice]) == [HANDLED, DUPLICATE]
    assert counted(under_test.metrics) == {"accepted": 1, "accepted DUPLICATE": 1}


async def test_two_partners_may_use_the_same_id(under_test: ServiceUnderTest) -> None:
    records = [
        a_partner_record(one, of("WorkplaceRegistered"), headers=headers_by(one, of("WorkplaceRegistered"), id_="1"))
        for one in (UNIZO, VDAB)
    ]
    assert await deliver(under_test, records) == [HANDLED, HANDLED]


async def test_a_refusal_says_where_why_and_which_field_and_repeats_nothing(under_test: ServiceUnderTest) -> None:
    secret = "jan.peeters"
    headers = headers_by(CLB, of("LearnerAtRisk"), id_=secret)
    record = a_partner_record(CLB, of("LearnerAtRisk"), headers=headers, school=secret)
    await deliver(under_test, [record])
    async with under_test.store.transaction() as transaction:
        (row,) = await transaction.connection.fetch("select topic, headers, value from outbox")
    assert row["topic"] == CLB.rejected_topic
    (event,) = await under_test.events()
    assert isinstance(event, MessageRejected)
    assert (event.partner, event.partition, event.offset) == (CLB.id, record.partition, record.offset)
    assert (event.reason, event.field, event.message_id) == (RejectionReason.INVALID_DATA, "school", None)
    assert secret not in f"{row['headers']}{row['value']}"


async def test_nothing_of_its_envelope_travels_on_but_who_it_is_when_it_was_and_its_trace(
    under_test: ServiceUnderTest,
) -> None:
    secret, trace = b"jan.peeters", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    said = dict(headers_by(CLB, of("LearnerAtRisk"), source=CLB.sources[0] + ":jan.peeters"))
    said |= {"ce_id": secret, "ce_subject": secret, "ce_correlationid": secret, "ce_authid": secret}
    await deliver(
        under_test, [a_partner_record(CLB, of("LearnerAtRisk"), headers=[*said.items(), ("traceparent", trace)])]
    )
    async with under_test.store.transaction() as transaction:
        (row,) = await transaction.outbox.unpublished(10, END_OF_TIME)
    headers = dict(encoded(row.record.headers))
    assert secret not in b"".join(headers.values())
    assert (headers["ce_authid"], headers["ce_time"], headers["traceparent"]) == (b"clb-west", said["ce_time"], trace)


async def test_what_was_refused_may_be_sent_again_with_the_same_id(under_test: ServiceUnderTest) -> None:
    headers = headers_by(CLB, of("LearnerAtRisk"))
    wrong = a_partner_record(CLB, of("LearnerAtRisk"), headers=headers, school="99999")
    right = a_partner_record(CLB, of("LearnerAtRisk"), headers=headers)
    assert await deliver(under_test, [wrong, right]) == [HANDLED, HANDLED]
    assert [type(event) for event in await under_test.events()] == [MessageRejected, LearnerAtRisk]


def broken_by(sender: Partner) -> list[Record]:
    """Records that cannot be read, are too old or from the future, or have no valid data."""
    type_ = TYPES[0]
    return [
        a_partner_record(sender, type_, headers=[("ce_id", None)]),
        a_partner_record(sender, type_, headers=[("ce_id", b"\xff")]),
        a_partner_record(sender, type_)._replace(headers=[]),
        a_partner_record(sender, type_)._replace(key=None, value=None),
        a_partner_record(sender, type_, value=b"\xff" * LARGEST),
        a_partner_record(sender, type_, value=b"nonsense"),
        a_partner_record(sender, type_, headers=headers_by(sender, type_, at=NOON - timedelta(days=30))),
        a_partner_record(sender, type_, headers=headers_by(sender, type_, at=NOON + timedelta(days=30))),
        a_partner_record(sender, type_)._replace(headers=[("content-type", b"application/cloudevents+json")]),
    ]


@pytest.mark.parametrize("sender", PARTNERS.values(), ids=PARTNERS)
async def test_accepted_and_rejected_are_together_what_was_received(
    under_test: ServiceUnderTest, sender: Partner
) -> None:
    right = [a_partner_record(sender, type_) for type_ in sender.publishes]
    forged = [
        a_partner_record(sender, type_, headers=headers_by(sender, type_, source=source))
        for type_, source in forgeries(sender)
    ]
    wrong = [*forged, *broken_by(sender)]
    again = [record._replace(offset=a_partner_record(sender, TYPES[0]).offset) for record in right]
    records = [
        record._replace(at=NOON + timedelta(minutes=number % 2))
        for number, record in enumerate([*wrong, *right, *again])
    ]
    outcomes = await deliver(under_test, records)
    assert Counter(outcomes) == Counter([HANDLED] * (len(wrong) + len(right)) + [DUPLICATE] * len(again))
    events = await under_test.events()
    rejected = [event for event in events if isinstance(event, MessageRejected)]
    assert sorted(event.offset for event in rejected) == sorted(record.offset for record in wrong)
    assert len(events) - len(rejected) == len(right)
    counts = counted(under_test.metrics)
    assert sum(counts.values()) == len(records)
    assert {key: n for key, n in counts.items() if key.startswith("rejected")} == Counter(
        f"rejected {event.reason}" for event in rejected
    )


async def test_beyond_the_quota_of_a_minute_every_message_is_rejected(
    under_test: ServiceUnderTest,
) -> None:
    quota = CLB.quota.events_per_minute
    numbers = count()
    records = [
        a_partner_record(CLB, of("ReferralAcknowledged"))._replace(offset=next(numbers)) for _ in range(quota + 20)
    ]
    later = records[-1]._replace(offset=next(numbers), at=NOON + timedelta(minutes=1))
    assert set(await deliver(under_test, [*records, later])) == {HANDLED}
    assert counted(under_test.metrics) == {"accepted": quota + 1, "rejected TOO_MANY": 20}
    rejected = [event for event in await under_test.events() if isinstance(event, MessageRejected)]
    assert {event.offset for event in rejected} == set(range(quota, quota + 20))


async def test_a_message_that_was_rejected_and_judged_again_may_still_be_sent_again(
    under_test: ServiceUnderTest,
) -> None:
    quota = CLB.quota.events_per_minute
    record = a_partner_record(CLB, of("ReferralAcknowledged"))
    numbers = count(record.offset)
    others = [a_partner_record(CLB, of("ReferralAcknowledged"), reference=f"R{number}") for number in range(quota)]
    records = [one._replace(offset=next(numbers)) for one in (*others, record)]
    await under_test.deliver_records(records)
    fresh_memory = build(IntakeSettings(database_url="unused", partners=MANIFESTS))
    assert fresh_memory.partner_gateway
    again = records[-1]._replace(offset=next(numbers), at=NOON + timedelta(minutes=1))
    under_test.pipeline._gateway = fresh_memory.partner_gateway
    assert await under_test.deliver_records([records[-1]]) == [DUPLICATE]
    before = len([one for one in await under_test.events() if isinstance(one, ReferralFeedbackReceived)])
    assert await under_test.deliver_records([again]) == [HANDLED]
    after = [one for one in await under_test.events() if isinstance(one, ReferralFeedbackReceived)]
    assert len(after) == before + 1


async def test_an_error_of_ours_sets_the_message_aside_and_a_redrive_takes_it_in(under_test: ServiceUnderTest) -> None:
    record = a_partner_record(VDAB, of("ReferralClosed"))
    await under_test.pool.execute("alter table reports add constraint nothing check (false) not valid")
    assert await under_test.deliver_records([record]) == [Outcome.DEAD_LETTERED]
    assert await under_test.deliver_records([record]) == [DUPLICATE]
    assert counted(under_test.metrics) == {"accepted": 1}, "the border decided it, and it waits for us"
    await under_test.pool.execute("alter table reports drop constraint nothing")
    letters = Redrive(under_test.pipeline, under_test.store, by="somebody")
    (letter,) = await letters.waiting()
    assert [one.outcome for one in await letters.redrive(letter)] == [HANDLED]
    assert any(isinstance(event, ReferralFeedbackReceived) for event in await under_test.events())
