"""When a case is withdrawn, no partner has to help any more."""

import json
from uuid import uuid4

from chassis.testing.scenario import Scenario
from contracts.intake import CaseClosed
from contracts.referral import ReferralClosed
from contracts.vocabulary import CaseId, CaseOutcome, ReferralOutcome, ReferralProgress, Topic
from services.referral.adapters.reference import belgian_working_days, read_directory
from services.referral.application.handlers import Handlers
from services.referral.domain.referral import Referral
from tests.builders import MONDAY, a_learner_at_risk, a_question
from tests.unit.referral.test_feedback import a_referral_to_the_clb, feedback


def withdrawn(case_id: CaseId) -> CaseClosed:
    return CaseClosed(case_id=case_id, outcome=CaseOutcome.WITHDRAWN, closed_on=MONDAY)


def test_every_open_referral_of_the_case_is_closed_once_and_no_other() -> None:
    scenario = Scenario(Handlers(read_directory(), belgian_working_days()))
    case_id = CaseId(uuid4())
    for message in (
        a_question(case_id=case_id),
        a_question(case_id=case_id, topics=(Topic.T07,)),
        a_question(),
        a_learner_at_risk(),
    ):
        scenario.when(message)
    closed = scenario.when(withdrawn(case_id))
    assert {type(event) for event in closed} == {ReferralClosed}
    assert [event.outcome for event in closed if isinstance(event, ReferralClosed)] == [ReferralOutcome.DECLINED] * 2
    open_ = [one.case_id for one in scenario.all(Referral) if one.closed_on is None]
    assert len(open_) == 2
    assert case_id not in open_
    assert scenario.when(withdrawn(case_id)) == []


def test_a_referral_that_was_closed_keeps_its_outcome() -> None:
    scenario, referral = a_referral_to_the_clb()
    scenario.when(feedback(referral, ReferralProgress.CLOSED))
    assert referral.case_id
    assert scenario.when(withdrawn(CaseId(referral.case_id))) == []
    assert referral.outcome is ReferralOutcome.HELPED


def test_an_outcome_that_we_do_not_know_closes_nothing() -> None:
    scenario, referral = a_referral_to_the_clb()
    data = {"case_id": str(referral.case_id), "outcome": "SOMETHING_NEW", "closed_on": "2026-11-23"}
    event = CaseClosed.from_json(json.dumps(data).encode())
    assert event.outcome is CaseOutcome.UNKNOWN
    assert scenario.when(event) == []
    assert referral.closed_on is None
