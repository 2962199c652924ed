"""The demo's verdict can fail: each promise is broken once, and the verdict finds which."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from chassis.testing.builders import NOON
from contracts.envelope import Envelope
from contracts.event import Event
from deploy.demo.drive import Answered
from deploy.demo.evidence import Evidence, Published
from deploy.demo.traffic import Day, Request
from deploy.demo.verdict import CONSUMES, judge
from tests.builders import a_match, a_message_sent, a_question, a_referral, a_workplace

QUESTION = a_question()
REFERRAL = a_referral(question_id=QUESTION.question_id, case_id=QUESTION.case_id)
MAIL = a_message_sent(about=REFERRAL.referral_id)
WORKPLACE = a_workplace()
MATCH = a_match(workplace_id=WORKPLACE.workplace_id)
EVENTS: list[Event] = [QUESTION, REFERRAL, MAIL, WORKPLACE, MATCH]


def published(event: Event, offset: int, sequence: int = 1) -> Published:
    topic = event.declaration.topic
    envelope = Envelope(f"id-{offset}", "/services/x", event.declaration.type, NOON, sequence=sequence)
    return Published(topic, f"{topic}/0/{offset}", str(event.aggregate_id), 0.0, envelope, event)


def a_good_day() -> tuple[Evidence, list[Answered]]:
    records = [published(event, offset) for offset, event in enumerate(EVENTS)]
    rows: dict[str, list[dict[str, object]]] = {
        "intake.cases": [{"id": QUESTION.case_id, "version": 1}],
        "intake.workplaces": [{"id": WORKPLACE.workplace_id, "version": 1}],
        "intake.learners": [{"id": uuid4(), "version": 0, "school_reference": "34074/x"}],
        "referral.referrals": [
            {"id": REFERRAL.referral_id, "version": 1, "question_id": QUESTION.question_id, "risk_id": None}
        ],
        "matching.learner_searches": [{"id": MATCH.learner_id, "version": 1}],
        "matching.workplaces": [{"id": WORKPLACE.workplace_id, "open_positions": 1, "version": 0}],
        "notifications.messages": [
            {
                "id": MAIL.message_id,
                "version": 1,
                "status": "SENT",
                "template": "referral",
                "recipient": "x",
                "about": REFERRAL.referral_id,
            }
        ],
        "pof.dossiers": [{"id": uuid4(), "version": 0, "natural_key": "x"}],
        "referral.dead_letters": [],
    }
    for service, kinds in CONSUMES.items():
        handled = [one.envelope for one in records if isinstance(one.event, kinds)]
        rows[f"{service}.inbox"] = [{"source": envelope.source, "event_id": envelope.id} for envelope in handled]
    answers = [
        Answered(Request("intake", "/questions", {}, "k1"), 202, {"question_id": str(QUESTION.question_id)}, 1),
        Answered(Request("intake", "/workplaces", {}, "k2"), 202, {"workplace_id": str(WORKPLACE.workplace_id)}, 1),
    ]
    return Evidence(records, rows, Counter({f"<{MAIL.message_id}@x>": 1})), answers


def broken(evidence: Evidence, answers: list[Answered]) -> set[str]:
    return {check.promise for check in judge(evidence, answers) if not check.held}


def test_on_a_good_day_every_promise_held() -> None:
    assert broken(*a_good_day()) == set()


def test_a_message_to_who_left_no_address_is_no_mail_and_no_event() -> None:
    evidence, answers = a_good_day()
    nobody = {"id": uuid4(), "version": 0, "status": "NO_ADDRESS", "template": "receipt", "recipient": "asker"}
    evidence.rows["notifications.messages"].append({**nobody, "about": QUESTION.question_id})
    assert broken(evidence, answers) == set()


def test_a_record_that_came_twice_is_no_breach() -> None:
    evidence, answers = a_good_day()
    evidence.published.append(replace(evidence.published[0], place="duaal.intake.cases/0/99"))
    assert broken(evidence, answers) == set()


def lose_a_question(evidence: Evidence) -> None:
    del evidence.published[0]


def lose_a_referral(evidence: Evidence) -> None:
    evidence.rows["referral.referrals"].clear()


def refer_twice(evidence: Evidence) -> None:
    evidence.rows["referral.referrals"] *= 2


def leave_a_gap(evidence: Evidence) -> None:
    evidence.published.append(published(QUESTION, 50, sequence=3))


def reorder(evidence: Evidence) -> None:
    evidence.published[0] = published(QUESTION, 0, sequence=2)
    evidence.published.append(published(QUESTION, 60, sequence=1))


def forget_to_handle(evidence: Evidence) -> None:
    evidence.rows["notifications.inbox"].clear()


def publish_a_ghost(evidence: Evidence) -> None:
    evidence.published.append(published(a_workplace(), 70))


def lose_a_mail(evidence: Evidence) -> None:
    evidence.mails.clear()


def write_to_nobody(evidence: Evidence) -> None:
    evidence.mails[f"<{uuid4()}@x>"] += 1


def give_a_place_twice(evidence: Evidence) -> None:
    evidence.published.append(published(a_match(workplace_id=WORKPLACE.workplace_id), 80))


def set_a_record_aside(evidence: Evidence) -> None:
    evidence.rows["referral.dead_letters"].append({"reason": "REFUSED", "detail": "x"})


@pytest.mark.parametrize(
    ("breach", "promise"),
    [
        (lose_a_question, "every accepted request is published exactly once"),
        (lose_a_referral, "every question and every risk has exactly one referral"),
        (refer_twice, "every question and every risk has exactly one referral"),
        (refer_twice, "no effect happened twice"),
        (leave_a_gap, "every sequence per key is contiguous from 1"),
        (reorder, "no key was reordered"),
        (forget_to_handle, "every event was handled by every service that consumes it"),
        (publish_a_ghost, "what is published is what is kept: as many events as the version says"),
        (lose_a_mail, "every message that was sent is one mail and one event"),
        (write_to_nobody, "every message that was sent is one mail and one event"),
        (give_a_place_twice, "no workplace was proposed to more learners than it has places"),
        (set_a_record_aside, "nothing was set aside"),
    ],
)
def test_a_breach_is_seen(breach: Callable[[Evidence], None], promise: str) -> None:
    evidence, answers = a_good_day()
    breach(evidence)
    assert promise in broken(evidence, answers)


def test_a_promise_that_was_checked_on_nothing_did_not_hold() -> None:
    empty = Evidence([], {table: [] for table in a_good_day()[0].rows})
    assert "every question and every risk has exactly one referral" in broken(empty, [])


def test_the_same_seed_makes_the_same_day_and_another_seed_another() -> None:
    assert Day(7).requests() == Day(7).requests()
    assert Day(7).requests() != Day(8).requests()


def test_every_request_of_the_day_has_a_key_of_its_own() -> None:
    keys = [request.key for request in Day(1).requests()]
    assert len(set(keys)) == len(keys)
