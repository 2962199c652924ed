"""The main journey of the platform: from the web form to the partner's mail."""

from uuid import UUID

import httpx

from chassis.topics import TOPICS
from contracts.intake import QuestionReceived
from contracts.notifications import MessageSent
from contracts.referral import ReferralCreated
from contracts.vocabulary import ReferralKind, Subregion, Topic
from deploy.local.platform import Platform
from tests.e2e.listening import records_of, the_event, the_mail


async def test_a_parents_question_reaches_the_clb_of_the_region_without_who_asked(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    answer = await http.post(
        platform.urls["intake"] + "/questions",
        json={
            "audience": "OUDER",
            "text": "Mijn zoon Wannes is schoolmoe, is dit iets voor hem? Zijn nummer is 85.07.30-033.28.",
            "postal_code": "8970",
            "contact": {"name": "Griet Vandenbroucke", "email": "griet.vdb@burger.example.org"},
        },
    )
    assert answer.status_code == 202
    case_id = UUID(answer.json()["case_id"])

    question = await the_event(platform, QuestionReceived, lambda event: event.case_id == case_id)
    assert (question.topics[0], question.subregion) == (Topic.T03, Subregion.WESTHOEK)

    referral = await the_event(platform, ReferralCreated, lambda event: event.case_id == case_id)
    assert (referral.service_id, referral.kind) == ("clb-westhoek", ReferralKind.WARM)

    sent = await the_event(platform, MessageSent, lambda event: event.about == referral.referral_id)
    mail = await the_mail(platform, lambda mail: str(sent.message_id) in mail["Message-ID"])
    assert "clb-westhoek" in mail["To"]
    assert str(referral.referral_id) in mail.get_content()

    seen = mail.as_string()
    for topic in TOPICS:
        seen += "".join(f"{record.headers}{record.value}" for record in await records_of(platform, topic))
    for personal in ("Wannes", "Griet", "Vandenbroucke", "griet.vdb", "033.28", "schoolmoe"):
        assert personal not in seen


async def test_every_record_carries_the_whole_envelope(platform: Platform, http: httpx.AsyncClient) -> None:
    answer = await http.post(
        platform.urls["intake"] + "/questions", json={"audience": "SCHOOL", "text": "Welke deadline voor programmatie?"}
    )
    case_id = answer.json()["case_id"]
    referral = await the_event(platform, ReferralCreated, lambda event: str(event.case_id) == case_id)
    (record,) = [
        one
        for one in await records_of(platform, "duaal.referral.referrals")
        if one.key.decode() == str(referral.referral_id)
    ]
    headers = {name: value.decode() for name, value in record.headers}
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_source"] == "/services/referral"
    assert headers["ce_subject"] == headers["ce_partitionkey"] == str(referral.referral_id)
    assert headers["ce_correlationid"] == case_id
    assert headers["ce_sequence"] == "000000000001"
    assert headers["ce_dataclassification"] == "confidential"
    assert headers["ce_dataschema"].startswith("urn:duaalwest:schema:be.duaalwest.referral.ReferralCreated.v1:")
    assert headers["content-type"] == "application/json"
