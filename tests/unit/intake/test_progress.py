"""What the person who asked is told of each question, and when they are told whom to call meanwhile."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from contracts.vocabulary import AgeBand, Audience, Channel, Language, ReferralKind, ReferralOutcome, Topic
from services.intake.adapters.reference import read_policies
from services.intake.application.progress import Stage, is_urgent, progress_of
from services.intake.application.queries import CaseView, QuestionView, ReferralView, TopicView
from services.intake.domain.case import CaseStatus

SATURDAY = datetime(2026, 11, 28, 10, tzinfo=UTC)
MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)
POLICIES = read_policies()


def a_question(topic: Topic = Topic.T03) -> QuestionView:
    return QuestionView(uuid4(), Channel.WEB, (TopicView(topic, ()),), SATURDAY, TUESDAY)


def a_referral(question: QuestionView, **given: object) -> ReferralView:
    referral = ReferralView(
        referral_id=uuid4(),
        question_id=question.id,
        topic=question.topics[0].topic,
        kind=ReferralKind.WARM,
        service_id="clb-westhoek",
        rule_id="T03-WESTHOEK",
        due_on=TUESDAY,
        created_at=SATURDAY,
        acknowledged_on=None,
        closed_on=None,
        outcome=None,
    )
    return replace(referral, **given)  # type: ignore[arg-type]


def a_case(*questions: QuestionView, referrals: tuple[ReferralView, ...] = ()) -> CaseView:
    return CaseView(
        case_id=uuid4(),
        audience=Audience.OUDER,
        age_band=AgeBand.NOT_GIVEN,
        language=Language.NL,
        subregion=None,
        opened_at=SATURDAY,
        due_on=TUESDAY,
        status=CaseStatus.OPEN,
        questions=questions,
        referrals=referrals,
    )


@pytest.mark.parametrize(
    ("referral", "stage"),
    [
        ({}, Stage.ASKED),
        ({"kind": ReferralKind.INFO}, Stage.ADVISED),
        ({"service_id": "steunpunt"}, Stage.OURS),
        ({"acknowledged_on": MONDAY}, Stage.TAKEN_UP),
        ({"closed_on": MONDAY, "outcome": ReferralOutcome.HELPED}, Stage.HELPED),
        ({"closed_on": MONDAY, "outcome": ReferralOutcome.NOT_COMPETENT}, Stage.ENDED),
        ({"closed_on": MONDAY, "outcome": ReferralOutcome.DECLINED}, Stage.WITHDRAWN),
    ],
)
def test_a_question_is_as_far_as_its_referral(referral: dict[str, object], stage: Stage) -> None:
    question = a_question()
    (progress,) = progress_of(a_case(question, referrals=(a_referral(question, **referral),)))
    assert progress.stage is stage


def test_who_adds_something_still_sees_which_partner_has_the_first_question() -> None:
    first, added = a_question(), a_question(Topic.T40)
    of_added, of_first = progress_of(a_case(first, added, referrals=(a_referral(first),)))
    assert (of_added.question_id, of_added.stage) == (added.id, Stage.RECEIVED)
    assert (of_first.question_id, of_first.stage, of_first.service_id) == (first.id, Stage.ASKED, "clb-westhoek")


def test_of_a_withdrawn_case_one_sentence_is_enough() -> None:
    case = replace(a_case(a_question(), a_question()), status=CaseStatus.WITHDRAWN)
    assert [one.stage for one in progress_of(case)] == [Stage.WITHDRAWN]


@pytest.mark.parametrize(("topic", "urgent"), [(Topic.T26, True), (Topic.T16, True), (Topic.T07, False)])
def test_who_cannot_wait_is_told_whom_to_call_also_on_a_saturday(topic: Topic, urgent: bool) -> None:
    assert is_urgent(a_case(a_question(), a_question(topic)), POLICIES) is urgent
