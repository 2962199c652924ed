"""The platform on a Kafka that requires logins: each service has its own, with the rights of the manifests only."""

from asyncio import timeout
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from chassis.messaging.connections import client_arguments
from chassis.partners import read_partners
from contracts.notifications import MessageSent
from contracts.partner import MessageRejected
from contracts.referral import ReferralCreated
from contracts.vocabulary import RejectionReason
from deploy.local.platform import PARTNERS, Platform
from deploy.local.stack import Stack
from tests.e2e.conftest import authorization
from tests.e2e.listening import the_event


@pytest.fixture(scope="module")
def secured(secured_stack: Stack, secured_folder: Path) -> Iterator[Platform]:
    """All five services."""
    with Platform(secured_stack, secured_folder).start() as platform:
        yield platform


async def test_a_question_becomes_a_referral_and_a_mail(secured: Platform, http: httpx.AsyncClient) -> None:
    question = {"audience": "OUDER", "text": "Mijn zoon is schoolmoe, is dit iets voor hem?", "postal_code": "8970"}
    answer = await http.post(secured.urls["intake"] + "/questions", json=question, headers=authorization(secured))
    assert answer.status_code == 202
    case_id = UUID(answer.json()["case_id"])
    referral = await the_event(secured, ReferralCreated, lambda event: event.case_id == case_id)
    assert referral.service_id == "clb-westhoek"
    await the_event(secured, MessageSent, lambda event: event.about == referral.referral_id)


async def test_a_partner_sends_and_reads_its_rejections_with_its_own_login(secured: Platform) -> None:
    kafka, vdab = secured.stack.kafka, read_partners(PARTNERS)["vdab"]
    login = {"bootstrap_servers": kafka.bootstrap_servers, **client_arguments(kafka.login(vdab.user))}
    async with AIOKafkaProducer(enable_idempotence=True, **login) as producer:
        sent = await producer.send_and_wait(vdab.events_topic, b"no event at all", key=b"reference")
    async with AIOKafkaConsumer(
        vdab.rejected_topic, group_id="partner.vdab.reader", auto_offset_reset="earliest", **login
    ) as consumer:
        async with timeout(30):
            rejected = MessageRejected.from_json((await consumer.getone()).value)
            while (rejected.partition, rejected.offset) != (sent.partition, sent.offset):
                rejected = MessageRejected.from_json((await consumer.getone()).value)
    assert (rejected.partner, rejected.reason) == ("vdab", RejectionReason.INVALID_ENVELOPE)
