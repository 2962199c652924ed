"""Partners of the whole platform, over Kafka and HTTP: allowed messages are accepted, all others rejected."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from prometheus_client.parser import text_string_to_metric_families

from chassis.handling import BRUSSELS
from chassis.partners import Partner
from chassis.testing.eventually import eventually
from contracts.envelope import Headers
from contracts.intake import LearnerAtRisk, ReferralFeedbackReceived
from contracts.partner import MessageRejected
from contracts.pof import ProgrammatieSubmitted
from contracts.referral import ReferralClosed, ReferralCreated
from contracts.vocabulary import ReferralOutcome, RejectionReason
from deploy.local.platform import Platform
from services.intake.application.partner_messages import id_of
from tests.e2e.listening import records_of, the_event
from tests.partners import PARTNERS, data_of, forgeries, headers_by

RISK = "be.duaalwest.partner.LearnerAtRisk.v1"
QUESTION = "be.duaalwest.partner.QuestionReceived.v1"
CLOSED = "be.duaalwest.partner.ReferralClosed.v1"
APPLICATION = "be.duaalwest.partner.ProgrammatieSubmitted.v1"
CLB, SCHOOLSOFT = PARTNERS["clb-west"], PARTNERS["schoolsoft"]


def today_of(type_: str, **changed: Any) -> dict[str, Any]:
    """The golden data, with today's dates and a new reference."""
    now = datetime.now(UTC)
    today = now.astimezone(BRUSSELS).date().isoformat()
    dated = {"received_at": now.isoformat(), "opened_on": today, "closed_on": today, "submitted_on": today}
    dated = {name: value for name, value in dated.items() if name in data_of(type_)}
    return data_of(type_, **{"reference": str(uuid4())} | dated | changed)


async def send_as(
    platform: Platform, sender: Partner, messages: Iterable[tuple[Headers, dict[str, Any]]], at: datetime | None = None
) -> list[str]:
    """Write to the partner's own topic; returns the place of each message: partition/offset."""
    producer = AIOKafkaProducer(bootstrap_servers=platform.stack.kafka.bootstrap_servers)
    await producer.start()
    try:
        sent = [
            await producer.send(
                sender.events_topic,
                json.dumps(data).encode(),
                key=b"R",
                headers=headers,
                timestamp_ms=at and int(at.timestamp() * 1000),
            )
            for headers, data in messages
        ]
        return [f"{one.partition}/{one.offset}" for one in [await answer for answer in sent]]
    finally:
        await producer.stop()


async def post_as(
    http: httpx.AsyncClient, platform: Platform, sender: Partner, type_: str, data: dict[str, Any], source: str = ""
) -> httpx.Response:
    attributes = dict(headers_by(sender, type_, source=source or None, at=datetime.now(UTC)))
    headers = [(name.replace("_", "-").encode(), value) for name, value in attributes.items()]
    headers.append((b"authorization", f"Bearer {platform.tokens.of(sender.id)}".encode()))
    return await http.post(f"{platform.urls['intake']}/partner/events", content=json.dumps(data), headers=headers)


async def rejections_of(platform: Platform, sender: Partner) -> dict[str, MessageRejected]:
    """The rejections on the partner's own topic, by the place of its message."""
    events = [MessageRejected.from_json(record.value) for record in await records_of(platform, sender.rejected_topic)]
    return {f"{event.partition}/{event.offset}": event for event in events}


def border(platform: Platform, sender: Partner) -> Counter[str]:
    """Intake's counts of a partner's messages, by result."""
    with urllib.request.urlopen(f"{platform.urls['intake']}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    counts: Counter[str] = Counter()
    for sample in (
        sample for family in families if family.name == "duaal_border_messages" for sample in family.samples
    ):
        if sample.name.endswith("_total") and sample.labels["partner"] == sender.id:
            counts[sample.labels["result"]] += int(sample.value)
    return counts


async def test_a_risk_that_a_clb_sends_over_kafka_is_referred(platform: Platform) -> None:
    reference = f"L-{uuid4()}"
    headers = headers_by(CLB, RISK, at=datetime.now(UTC))
    await send_as(platform, CLB, [(headers, today_of(RISK, learner_reference=reference))])
    learner_id = id_of(CLB.id, "learner", reference)
    risk = await the_event(platform, LearnerAtRisk, lambda event: event.learner_id == learner_id)
    await the_event(platform, ReferralCreated, lambda event: event.risk_id == risk.risk_id)
    (record,) = [
        one for one in await records_of(platform, "duaal.intake.learners") if one.key == str(learner_id).encode()
    ]
    assert dict(record.headers)["ce_authid"] == CLB.id.encode()


async def test_a_question_that_school_software_sends_over_http_is_referred(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    reference = f"V-{uuid4()}"
    answer = await post_as(http, platform, SCHOOLSOFT, QUESTION, today_of(QUESTION, reference=reference))
    assert answer.status_code == 202
    case_id = id_of(SCHOOLSOFT.id, "case", reference)
    await the_event(platform, ReferralCreated, lambda event: event.case_id == case_id)


async def test_feedback_on_a_referral_counts_only_from_the_partner_that_was_asked(platform: Platform) -> None:
    now = datetime.now(UTC)
    reference = f"L-{uuid4()}"
    risk = today_of(RISK, learner_reference=reference, signal="R5", subregion="BRUGGE")
    await send_as(platform, CLB, [(headers_by(CLB, RISK, at=now), risk)])
    learner_id = id_of(CLB.id, "learner", reference)
    referral = await the_event(platform, ReferralCreated, lambda event: event.learner_id == learner_id)
    assert referral.service_id == "clb-brugge"
    vdab = PARTNERS["vdab"]
    said = {"referral_id": str(referral.referral_id)}
    await send_as(platform, vdab, [(headers_by(vdab, CLOSED, at=now), today_of(CLOSED, outcome="DECLINED", **said))])
    # All feedback on one referral is on one partition, so it is handled in this order.
    await the_event(platform, ReferralFeedbackReceived, lambda event: event.referral_id == referral.referral_id)
    await send_as(platform, CLB, [(headers_by(CLB, CLOSED, at=now), today_of(CLOSED, outcome="HELPED", **said))])
    closed = await the_event(platform, ReferralClosed, lambda event: event.referral_id == referral.referral_id)
    assert closed.outcome is ReferralOutcome.HELPED


async def test_an_application_that_school_software_saw_submits_the_dossier(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    reference = f"PA-{uuid4()}"
    said = today_of(APPLICATION, reference=reference, site=f"site-{uuid4()}"[:20], school_year="2030-2031")
    answer = await post_as(http, platform, SCHOOLSOFT, APPLICATION, said)
    assert answer.status_code == 202
    dossier_id = id_of(SCHOOLSOFT.id, "dossier", reference)
    submitted = await the_event(platform, ProgrammatieSubmitted, lambda event: event.dossier_id == dossier_id)
    assert submitted.agodi_reference == said["agodi_reference"]


async def test_a_partner_that_sends_nonsense_reads_on_its_own_topic_what_is_wrong(platform: Platform) -> None:
    wrong = today_of(RISK, school="Jan Peeters")
    (place,) = await send_as(platform, CLB, [(headers_by(CLB, RISK, at=datetime.now(UTC)), wrong)])
    found = await eventually(lambda: rejections_of(platform, CLB), lambda rejections: place in rejections)
    assert (found[place].reason, found[place].field) == (RejectionReason.INVALID_DATA, "school")


async def test_a_message_is_as_old_as_the_broker_says_and_not_as_its_sender_does(platform: Platform) -> None:
    now, then = datetime.now(UTC), datetime.now(UTC) - timedelta(days=30)
    reference = f"L-{uuid4()}"
    fresh = headers_by(CLB, RISK, at=now), today_of(RISK, learner_reference=reference)
    stale = headers_by(CLB, RISK, at=then), today_of(RISK)
    _, place = await send_as(platform, CLB, [fresh, stale], at=then)
    learner_id = id_of(CLB.id, "learner", reference)
    await the_event(platform, LearnerAtRisk, lambda event: event.learner_id == learner_id)
    found = await eventually(lambda: rejections_of(platform, CLB), lambda rejections: place in rejections)
    assert found[place].reason is RejectionReason.TOO_OLD


async def test_what_unpacks_to_more_than_it_looks_does_not_get_past_the_broker(platform: Platform) -> None:
    servers = platform.stack.kafka.bootstrap_servers
    async with AIOKafkaProducer(bootstrap_servers=servers, compression_type="zstd", max_request_size=2**27) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(CLB.events_topic, bytes(2**26))


@pytest.mark.parametrize("sender", PARTNERS.values(), ids=PARTNERS)
async def test_nothing_that_is_forged_comes_in(platform: Platform, http: httpx.AsyncClient, sender: Partner) -> None:
    before = border(platform, sender)
    forged = forgeries(sender)
    places = await send_as(
        platform,
        sender,
        [(headers_by(sender, type_, source=source, at=datetime.now(UTC)), today_of(type_)) for type_, source in forged],
    )
    answers = [await post_as(http, platform, sender, type_, today_of(type_), source) for type_, source in forged]
    found = await eventually(lambda: rejections_of(platform, sender), lambda all_: all_.keys() >= set(places))
    refusals = {RejectionReason.TYPE_NOT_ALLOWED, RejectionReason.SOURCE_NOT_YOURS, RejectionReason.TOO_MANY}
    assert {found[place].reason for place in places} <= refusals
    assert {answer.status_code for answer in answers} <= {403, 429}
    assert border(platform, sender) - before == {"rejected": 2 * len(forged)}
