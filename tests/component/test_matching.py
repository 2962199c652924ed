"""Matching on a real PostgreSQL; every event is delivered twice."""

import asyncio
from datetime import timedelta

import pytest

from chassis.record import Outcome
from chassis.service import Service
from chassis.testing.builders import NOON
from chassis.testing.harness import ServiceUnderTest
from contracts.intake import WorkplaceRegistered
from contracts.matching import AgreementEnded, AgreementRegistered, MatchLapsed, MatchProposed
from contracts.vocabulary import Language, Recognition, Weekday
from services.matching.app import build
from services.matching.domain.agreement import Agreement
from services.matching.domain.learner_search import LearnerSearch, Proposed
from services.matching.domain.workplace import Reservation, Workplace
from services.matching.settings import MatchingSettings
from tests.builders import MONDAY, a_learner_at_risk, a_learner_search, a_question, a_workplace
from tests.unit.matching.test_agreements import ended, reported


@pytest.fixture(scope="session")
def service() -> Service:
    return build(MatchingSettings(database_url="unused"))


async def proposals(under_test: ServiceUnderTest) -> list[MatchProposed]:
    return [event for event in await under_test.events() if isinstance(event, MatchProposed)]


async def test_a_workplace_and_a_search_meet_once_however_often_they_arrive(under_test: ServiceUnderTest) -> None:
    workplace, search = a_workplace(), a_learner_search()
    assert await under_test.deliver(workplace) == [Outcome.HANDLED]
    assert await under_test.deliver(search) == [Outcome.HANDLED]
    (proposal,) = await proposals(under_test)
    assert (proposal.workplace_id, proposal.learner_id) == (workplace.workplace_id, search.learner_id)


async def test_one_place_goes_to_one_of_two_searches_in_the_same_batch(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_workplace(), a_learner_search(), a_learner_search())
    assert len(await proposals(under_test)) == 1


async def test_one_place_goes_to_one_of_two_searches_that_waited_for_it(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_learner_search(), a_learner_search())
    await under_test.deliver(a_workplace())
    assert len(await proposals(under_test)) == 1


async def test_an_expired_reservation_frees_the_place(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_workplace(), a_learner_search())
    waiting = a_learner_search()
    await under_test.deliver(waiting, at=NOON + timedelta(days=14))
    assert len(await proposals(under_test)) == 1
    await under_test.deliver(waiting, at=NOON + timedelta(days=15))
    assert [proposal.learner_id for proposal in await proposals(under_test)][1:] == [waiting.learner_id]


async def test_time_passes_a_proposal_lapses_and_its_place_goes_to_another_learner(
    under_test: ServiceUnderTest,
) -> None:
    search, waiting = a_learner_search(), a_learner_search()
    await under_test.deliver(a_workplace(), search, waiting)
    assert await under_test.advance(timedelta(days=14)) == []
    assert await under_test.advance(timedelta(days=1)) == [Outcome.HANDLED]
    first, lapse, second = await under_test.events()
    assert isinstance(lapse, MatchLapsed)
    assert (lapse.learner_id, lapse.proposal_id) == (search.learner_id, (await proposals(under_test))[0].proposal_id)
    assert isinstance(first, MatchProposed)
    assert isinstance(second, MatchProposed)
    assert second.learner_id == waiting.learner_id


async def test_while_time_passes_what_is_due_sets_what_is_due_next(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_workplace(), a_learner_search(), a_learner_search())
    assert await under_test.advance(timedelta(days=45)) == [Outcome.HANDLED] * 3
    assert [proposal.proposed_on.day for proposal in await proposals(under_test)] == [23, 8, 23, 7]


async def test_a_risk_that_was_reported_is_remembered(under_test: ServiceUnderTest) -> None:
    longest, at_risk = a_learner_search(), a_learner_search()
    await under_test.deliver(longest, at=NOON)
    await under_test.deliver(at_risk, a_learner_at_risk(learner_id=at_risk.learner_id))
    await under_test.deliver(a_workplace())
    assert [proposal.learner_id for proposal in await proposals(under_test)] == [at_risk.learner_id]


async def test_what_is_kept_is_what_was_received_and_what_was_proposed(under_test: ServiceUnderTest) -> None:
    days = (Weekday.MON, Weekday.TUE)
    workplace = a_workplace(days=days, languages=(Language.NL, Language.FR), recognition=Recognition.AANGEVRAAGD)
    search = a_learner_search(days=days, max_distance_km=30)
    await under_test.deliver(workplace, search)
    (proposal,) = await proposals(under_test)
    (place,) = await under_test.all(Workplace)
    (learner,) = await under_test.all(LearnerSearch)
    assert (place.days, place.languages, place.recognition) == (days, workplace.languages, Recognition.AANGEVRAAGD)
    assert place.reservations == (Reservation(proposal.proposal_id, proposal.expires_on),)
    assert (learner.days, learner.max_distance_km) == (days, 30)
    assert learner.proposed == (Proposed(place.id, proposal.proposal_id, proposal.expires_on),)


async def test_what_a_newer_intake_writes_is_kept_as_unknown_and_never_proposed(under_test: ServiceUnderTest) -> None:
    newer = WorkplaceRegistered.from_json(a_workplace().to_json().replace(b"ERKEND", b"VOORLOPIG"))
    assert newer.recognition is Recognition.UNKNOWN
    await under_test.deliver(newer, a_learner_search())
    assert await proposals(under_test) == []


async def test_a_workplace_and_a_search_that_arrive_at_the_same_moment_do_not_miss_each_other(
    service: Service, service_database: str
) -> None:
    async with (
        ServiceUnderTest.on(service, service_database) as one,
        ServiceUnderTest.on(service, service_database) as other,
    ):
        for programme in map(str, range(20)):
            await asyncio.gather(
                one.deliver(a_workplace(programme=programme)),
                other.deliver(a_learner_search(programme=programme)),
            )
            met = [proposal for proposal in await proposals(one) if proposal.programme == programme]
            assert len(met) == 1


async def test_one_place_goes_to_one_of_two_searches_that_arrive_at_the_same_moment(
    service: Service, service_database: str
) -> None:
    async with (
        ServiceUnderTest.on(service, service_database) as one,
        ServiceUnderTest.on(service, service_database) as other,
    ):
        await one.deliver(a_workplace())
        await asyncio.gather(one.deliver(a_learner_search()), other.deliver(a_learner_search()))
        assert len(await proposals(one)) == 1


async def test_events_that_are_not_matchings_business_are_ignored(under_test: ServiceUnderTest) -> None:
    assert await under_test.deliver(a_question()) == [Outcome.IGNORED]


async def test_an_agreement_is_kept_and_published_once(under_test: ServiceUnderTest) -> None:
    search = a_learner_search()
    agreement = reported(search)
    await under_test.deliver(search, agreement, ended(agreement), a_workplace())
    assert [type(event) for event in await under_test.events()] == [AgreementRegistered, AgreementEnded, MatchProposed]
    (kept,) = await under_test.all(Agreement)
    assert (kept.learner_id, kept.ended_on) == (search.learner_id, MONDAY)


async def test_an_agreement_that_came_first_is_found_by_its_search(under_test: ServiceUnderTest) -> None:
    search = a_learner_search()
    await under_test.deliver(reported(search), a_workplace())
    await under_test.deliver(search)
    assert await proposals(under_test) == []


async def test_a_proposal_that_an_agreement_follows_from_does_not_lapse(under_test: ServiceUnderTest) -> None:
    search = a_learner_search()
    await under_test.deliver(a_workplace(), search)
    (proposal,) = await proposals(under_test)
    await under_test.deliver(reported(search, proposal_id=proposal.proposal_id))
    await under_test.advance(timedelta(days=15))
    assert [type(event) for event in await under_test.events()] == [MatchProposed, AgreementRegistered]


async def test_an_agreement_and_its_search_that_arrive_at_the_same_moment_do_not_miss_each_other(
    service: Service, service_database: str
) -> None:
    async with (
        ServiceUnderTest.on(service, service_database) as one,
        ServiceUnderTest.on(service, service_database) as other,
    ):
        for _ in range(20):
            search = a_learner_search()
            await asyncio.gather(one.deliver(search), other.deliver(reported(search)))
        assert all(search.settled_until for search in await one.all(LearnerSearch))
