"""The desk of the Steunpunt, one case and the private link, asked of a real PostgreSQL."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg import UniqueViolationError

from chassis.actors import PUBLIC
from chassis.commands import Commands
from chassis.execution import Executor
from chassis.observability.metrics import Metrics
from chassis.persistence.migrate import migrate
from chassis.persistence.repository import Repository
from chassis.record import Outcome
from chassis.service import Service
from chassis.testing.builders import NOON
from chassis.testing.harness import ServiceUnderTest
from contracts.event import Event
from contracts.intake import CaseClosed, CaseReopened, QuestionReceived
from contracts.referral import ReferralAcknowledged, ReferralClosed, ReferralCreated
from contracts.vocabulary import (
    AgeBand,
    Audience,
    Channel,
    Language,
    ReferralKind,
    ReferralOutcome,
    Subregion,
    Topic,
)
from deploy.local.databases import drop, provision
from deploy.local.stack import Stack
from services.intake.adapters.queries import SqlCaseQueries
from services.intake.adapters.tables import CASES
from services.intake.app import build
from services.intake.application.commands import AskQuestion, QuestionReceipt, WithdrawCase, WithdrawReceipt
from services.intake.application.queries import ROWS_A_PAGE, CaseQueries, DeskCounts, DeskFilter, Waiting, Which
from services.intake.domain.case import Case, CaseStatus, Question
from services.intake.domain.link import CaseLink
from services.intake.domain.triage import ChosenTopic
from services.intake.projections.referrals import CaseReferral
from services.intake.settings import IntakeSettings
from tests.builders import MONDAY, a_learner_at_risk, a_referral
from tests.chassis.conftest import WithoutTransactions

YESTERDAY, TOMORROW = MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)
TOKEN = "a-token-that-only-the-person-who-asked-has"
HASH = hashlib.sha256(TOKEN.encode()).hexdigest()


@pytest.fixture(scope="session")
def service() -> Service:
    return build(IntakeSettings(database_url="unused"))


@pytest.fixture
def queries(under_test: ServiceUnderTest) -> CaseQueries:
    return SqlCaseQueries(under_test.pool)


def a_case(*topics: Topic, due_on: date = MONDAY, **given: Any) -> Case:
    """A parent of Brugge asked one question."""
    question = Question(
        id=uuid4(),
        channel=Channel.TELEFOON,
        topics=tuple(ChosenTopic(topic, 5, (f"{topic}-01: een woord",)) for topic in topics or (Topic.T01,)),
        asked_at=NOON,
        due_on=due_on,
        programme="88",
    )
    defaults: dict[str, Any] = {
        "id": uuid4(),
        "audience": Audience.OUDER,
        "age_band": AgeBand.FROM_15_TO_17,
        "language": Language.NL,
        "subregion": Subregion.BRUGGE,
        "opened_at": NOON,
        "due_on": due_on,
    }
    case = Case(**defaults | given)
    case.ask(question, MONDAY)
    return case


async def keep(under_test: ServiceUnderTest, *cases: Case) -> None:
    async with under_test.pool.acquire() as connection:
        await Repository(CASES).insert_many(connection, cases)


async def listed(queries: CaseQueries, which: Which = Which.OPEN, **given: Any) -> list[UUID]:
    return [row.case_id for row in (await queries.desk(DeskFilter(which, **given), MONDAY)).rows]


def ids(cases: Sequence[Case]) -> list[UUID]:
    return [case.id for case in cases]


def a_referral_of(case: Case, **given: Any) -> ReferralCreated:
    return a_referral(case_id=case.id, question_id=case.questions[-1].id, kind=ReferralKind.WARM, **given)


def acknowledged(referral: ReferralCreated) -> ReferralAcknowledged:
    return ReferralAcknowledged(
        referral_id=referral.referral_id, service_id=referral.service_id, acknowledged_on=MONDAY, in_time=True
    )


def closed(referral: ReferralCreated, outcome: ReferralOutcome | None = ReferralOutcome.HELPED) -> ReferralClosed:
    return ReferralClosed(
        referral_id=referral.referral_id, service_id=referral.service_id, outcome=outcome, closed_on=TOMORROW
    )


# The desk


async def test_the_lists_of_the_desk_and_their_numbers(under_test: ServiceUnderTest, queries: CaseQueries) -> None:
    late, today, later = a_case(due_on=YESTERDAY), a_case(due_on=MONDAY), a_case(due_on=TOMORROW)
    gone = a_case()
    gone.withdraw(MONDAY)
    await keep(under_test, later, gone, today, late)
    assert await listed(queries, Which.LATE) == [late.id]
    assert await listed(queries, Which.TODAY) == [late.id, today.id]
    assert await listed(queries, Which.OPEN) == [late.id, today.id, later.id]
    assert await listed(queries, Which.WITH_PARTNER) == []
    assert await listed(queries, Which.CLOSED) == [gone.id]
    counts = DeskCounts(today=2, late=1, open=3, with_partner=0, closed=1)
    for which in Which:
        page = await queries.desk(DeskFilter(which), MONDAY)
        assert (page.counts, page.total) == (counts, counts.of(which))
    assert await queries.waiting(MONDAY) == Waiting(today=2, late=1, open=3)


async def test_the_most_urgent_case_comes_first(under_test: ServiceUnderTest, queries: CaseQueries) -> None:
    first_id, second_id = sorted((uuid4(), uuid4()))
    in_order = [
        a_case(due_on=YESTERDAY, opened_at=NOON),
        a_case(due_on=MONDAY, opened_at=NOON - timedelta(hours=1)),
        a_case(due_on=MONDAY, opened_at=NOON, id=first_id),
        a_case(due_on=MONDAY, opened_at=NOON, id=second_id),
    ]
    await keep(under_test, *reversed(in_order))
    assert await listed(queries) == ids(in_order)


async def test_a_filter_holds_for_the_rows_and_for_the_numbers(
    under_test: ServiceUnderTest, queries: CaseQueries
) -> None:
    def another(name: str) -> Case:
        if name == "topic":
            return a_case(Topic.T03, Topic.T07)
        return a_case(**{name: wanted[name]})

    wanted: dict[str, Any] = {"topic": Topic.T07, "audience": Audience.SCHOOL, "subregion": Subregion.WESTHOEK}
    plain, nowhere = a_case(), a_case(subregion=None)
    open_, gone = ({name: another(name) for name in wanted} for _ in range(2))
    for case in gone.values():
        case.withdraw(MONDAY)
    await keep(under_test, plain, nowhere, *open_.values(), *gone.values())
    await under_test.deliver(*map(a_referral_of, [plain, *open_.values()]))
    for name, value in wanted.items():
        for which in Which:
            page = await queries.desk(DeskFilter(which, **{name: value}), MONDAY)
            assert page.counts == DeskCounts(today=1, late=0, open=1, with_partner=1, closed=1)
            expected = {Which.LATE: [], Which.CLOSED: [gone[name].id]}.get(which, [open_[name].id])
            assert [row.case_id for row in page.rows] == expected
    of_all = await queries.desk(DeskFilter(Which.OPEN, Topic.T01, Audience.OUDER, Subregion.BRUGGE), MONDAY)
    assert ([row.case_id for row in of_all.rows], of_all.total) == ([plain.id], 1)


async def test_the_topics_of_a_row_are_those_of_the_newest_question(
    under_test: ServiceUnderTest, queries: CaseQueries
) -> None:
    case = a_case(Topic.T01)
    (first,) = case.questions
    newest = replace(first, id=uuid4(), topics=(ChosenTopic(Topic.T09, 5, ()), ChosenTopic(Topic.T11, 3, ())))
    case.ask(replace(newest, channel=Channel.MAIL), MONDAY)
    await keep(under_test, case)
    ((row,), by_old) = ((await queries.desk(DeskFilter(), MONDAY)).rows, await listed(queries, topic=Topic.T01))
    assert (row.question_id, row.questions, row.topics) == (first.id, 2, (Topic.T09, Topic.T11))
    assert (row.channel, row.audience, row.age_band) == (Channel.MAIL, Audience.OUDER, AgeBand.FROM_15_TO_17)
    assert (row.subregion, row.opened_at, row.due_on) == (Subregion.BRUGGE, NOON, MONDAY)
    assert (row.status, row.referral) == (CaseStatus.OPEN, None)
    assert by_old == []


async def test_a_long_list_comes_in_pages(under_test: ServiceUnderTest, queries: CaseQueries) -> None:
    later = sorted((a_case(due_on=TOMORROW, opened_at=NOON) for _ in range(ROWS_A_PAGE)), key=lambda case: case.id)
    sooner = sorted((a_case(opened_at=NOON + timedelta(hours=1)) for _ in range(ROWS_A_PAGE + 3)), key=lambda c: c.id)
    cases = [*sooner, *later]
    await keep(under_test, *later, *sooner)
    pages = [await queries.desk(DeskFilter(Which.OPEN), MONDAY, page) for page in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [ROWS_A_PAGE, ROWS_A_PAGE, 3]
    assert [row.case_id for page in pages for row in page.rows] == ids(cases)
    assert {(page.total, page.pages) for page in pages} == {(len(cases), 3)}


@pytest.mark.parametrize(("asked", "given"), [(-1, 1), (0, 1), (2, 1), (10**9, 1)])
async def test_a_page_that_is_not_there_is_the_nearest_one(
    under_test: ServiceUnderTest, queries: CaseQueries, asked: int, given: int
) -> None:
    await keep(under_test, a_case())
    page = await queries.desk(DeskFilter(), MONDAY, asked)
    assert (page.page, page.pages, len(page.rows)) == (given, 1, 1)


async def test_an_empty_desk_has_one_empty_page(queries: CaseQueries) -> None:
    page = await queries.desk(DeskFilter(), MONDAY)
    assert (page.rows, page.total, page.page, page.pages) == ((), 0, 1, 1)


# Withdrawn and opened again


async def test_a_case_that_is_withdrawn_leaves_the_open_list_and_comes_back_with_a_question(
    under_test: ServiceUnderTest, queries: CaseQueries
) -> None:
    question = AskQuestion(audience=Audience.OUDER, text="Wat is duaal leren?")
    asked = await under_test.execute(question, QuestionReceipt)
    for _ in range(2):
        await under_test.execute(WithdrawCase(case_id=asked.case_id), WithdrawReceipt)
    assert await listed(queries) == []
    assert await listed(queries, Which.CLOSED) == [asked.case_id]
    again = await under_test.execute(question.model_copy(update={"case_id": asked.case_id}), QuestionReceipt)
    assert await listed(queries) == [again.case_id] == [asked.case_id]
    assert [type(event) for event in await under_test.events()] == [
        QuestionReceived,
        CaseClosed,
        CaseReopened,
        QuestionReceived,
    ]


# Referrals


async def deliver_all(under_test: ServiceUnderTest, *events: Event) -> None:
    assert set(await under_test.deliver(*events)) == {Outcome.HANDLED}


async def test_a_case_shows_how_far_its_referral_is(under_test: ServiceUnderTest, queries: CaseQueries) -> None:
    case = a_case()
    await keep(under_test, case)
    referral = a_referral_of(case, service_id="clb-brugge", rule_id="T03-BRUGGE")
    await deliver_all(under_test, referral)
    (row,) = (await queries.desk(DeskFilter(Which.WITH_PARTNER), MONDAY)).rows
    assert row.referral
    assert (row.referral.service_id, row.referral.rule_id) == ("clb-brugge", "T03-BRUGGE")
    assert (row.referral.acknowledged_on, row.referral.closed_on, row.referral.outcome) == (None, None, None)
    await deliver_all(under_test, acknowledged(referral))
    (row,) = (await queries.desk(DeskFilter(Which.WITH_PARTNER), MONDAY)).rows
    assert row.referral
    assert (row.referral.acknowledged_on, row.referral.closed_on) == (MONDAY, None)
    await deliver_all(under_test, closed(referral))
    assert await listed(queries, Which.WITH_PARTNER) == []
    view = await queries.case(case.id)
    assert view
    (shown,) = view.referrals
    assert (shown.referral_id, shown.closed_on, shown.outcome) == (
        referral.referral_id,
        TOMORROW,
        ReferralOutcome.HELPED,
    )


async def test_the_newest_referral_stands_on_the_desk(under_test: ServiceUnderTest, queries: CaseQueries) -> None:
    case = a_case()
    await keep(under_test, case)
    old, new = a_referral_of(case), a_referral_of(case, service_id="school")
    await under_test.deliver(new, at=NOON + timedelta(minutes=1))
    await under_test.deliver(old)
    (row,) = (await queries.desk(DeskFilter(), MONDAY)).rows
    view = await queries.case(case.id)
    assert view
    assert row.referral == view.referrals[0]
    assert [one.referral_id for one in view.referrals] == [new.referral_id, old.referral_id]


@pytest.mark.parametrize("kind", [kind for kind in ReferralKind if kind is not ReferralKind.UNKNOWN])
async def test_a_partner_has_what_it_was_asked_to_act_on_or_acknowledged(
    under_test: ServiceUnderTest, queries: CaseQueries, kind: ReferralKind
) -> None:
    case = a_case()
    await keep(under_test, case)
    referral = a_referral(case_id=case.id, question_id=case.questions[0].id, kind=kind)
    await under_test.deliver(referral)
    asked = kind in (ReferralKind.WARM, ReferralKind.HANDOVER, ReferralKind.CONSULT)
    assert await listed(queries, Which.WITH_PARTNER) == ([case.id] if asked else [])
    await under_test.deliver(acknowledged(referral))
    page = await queries.desk(DeskFilter(Which.WITH_PARTNER), MONDAY)
    assert ([row.case_id for row in page.rows], page.total) == ([case.id], 1)


async def test_the_referral_of_a_risk_belongs_to_no_case(under_test: ServiceUnderTest) -> None:
    risk = a_learner_at_risk()
    referral = a_referral(case_id=None, question_id=None, learner_id=risk.learner_id, risk_id=risk.risk_id)
    await deliver_all(under_test, referral, acknowledged(referral), closed(referral, outcome=None))
    assert await under_test.all(CaseReferral) == []


# One case


async def test_a_case_is_shown_with_all_its_questions(under_test: ServiceUnderTest, queries: CaseQueries) -> None:
    case = a_case(Topic.T07, Topic.T25)
    case.ask(replace(case.questions[0], id=uuid4(), channel=Channel.BALIE), MONDAY)
    await keep(under_test, case, a_case())
    view = await queries.case(case.id)
    assert view
    assert (view.case_id, view.audience, view.language, view.subregion) == (
        case.id,
        Audience.OUDER,
        Language.NL,
        Subregion.BRUGGE,
    )
    assert (view.age_band, view.opened_at, view.due_on, view.status) == (
        AgeBand.FROM_15_TO_17,
        NOON,
        MONDAY,
        CaseStatus.OPEN,
    )
    assert [(one.id, one.channel) for one in view.questions] == [(one.id, one.channel) for one in case.questions]
    question = view.questions[0]
    assert [(one.topic, one.because) for one in question.topics] == [
        (Topic.T07, ("T07-01: een woord",)),
        (Topic.T25, ("T25-01: een woord",)),
    ]
    assert (question.asked_at, question.due_on, question.programme) == (NOON, MONDAY, "88")
    assert (question.joint_committee, question.school_net, view.referrals) == (None, None, ())


async def test_a_case_that_does_not_exist_is_none(queries: CaseQueries) -> None:
    assert await queries.case(uuid4()) is None


# The private link


async def ask_with_link(under_test: ServiceUnderTest) -> QuestionReceipt:
    question = AskQuestion(audience=Audience.OUDER, text="Wat is duaal leren?", link=HASH)
    return await under_test.execute(question, QuestionReceipt, "the-key-of-a-form")


async def test_a_private_link_leads_to_its_case_until_its_last_day(
    under_test: ServiceUnderTest, queries: CaseQueries
) -> None:
    asked = await ask_with_link(under_test)
    (link,) = await under_test.all(CaseLink)
    last = MONDAY + timedelta(days=365)
    assert await queries.case_of_link(HASH, MONDAY) == (link.id, asked.case_id)
    assert await queries.case_of_link(HASH, last) == (link.id, asked.case_id)
    assert await queries.case_of_link(HASH, last + timedelta(days=1)) is None
    assert await queries.case_of_link(HASH[::-1], MONDAY) is None
    await under_test.pool.execute("update case_links set withdrawn_on = $1", MONDAY)
    assert await queries.case_of_link(HASH, MONDAY) is None


async def test_one_link_never_leads_to_two_cases(under_test: ServiceUnderTest) -> None:
    await ask_with_link(under_test)
    another = AskQuestion(audience=Audience.OUDER, text="Iets anders", link=HASH)
    with pytest.raises(UniqueViolationError, match="case_links_token_hash"):
        await under_test.execute(another, QuestionReceipt)
    assert len(await under_test.all(Case)) == 1


async def test_a_question_from_the_website_is_kept_in_one_statement(under_test: ServiceUnderTest) -> None:
    executor = Executor("intake", WithoutTransactions(under_test.store), now=lambda: NOON)
    commands = Commands("intake", under_test.service.handlers_by_message, executor, Metrics(), now=lambda: NOON)
    question = AskQuestion(audience=Audience.OUDER, text="Wat is duaal leren?", link=HASH)
    await commands.execute(question, QuestionReceipt, "the-key-of-a-form", actor=PUBLIC)
    assert len(await under_test.all(CaseLink)) == 1


async def test_only_the_table_of_links_knows_the_hash_and_nothing_knows_the_token(
    under_test: ServiceUnderTest,
) -> None:
    await ask_with_link(under_test)
    tables = [row[0] for row in await under_test.pool.fetch("select relname from pg_stat_user_tables")]
    rows = {name: str(await under_test.pool.fetch(f'select t::text from "{name}" t')) for name in tables}
    assert [name for name, text in rows.items() if HASH in text] == ["case_links"]
    assert [name for name, text in rows.items() if TOKEN in text] == []


# What a query does not do


@pytest.fixture
async def impatient(service_database: str) -> AsyncIterator[CaseQueries]:
    """Queries that fail when they would have to wait for a lock."""
    async with asyncpg.create_pool(service_database, min_size=1, server_settings={"lock_timeout": "1"}) as pool:
        yield SqlCaseQueries(pool)


async def ask_everything(queries: CaseQueries, case: Case) -> None:
    for which in Which:
        await queries.desk(DeskFilter(which), MONDAY)
    assert await queries.case(case.id)
    assert await queries.case_of_link(HASH, MONDAY) is None
    assert (await queries.waiting(MONDAY)).open == 1


async def test_a_query_waits_for_nobody_who_writes(under_test: ServiceUnderTest, impatient: CaseQueries) -> None:
    case = a_case()
    await keep(under_test, case)
    await under_test.deliver(a_referral_of(case))
    async with under_test.pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table cases, case_referrals, case_links in exclusive mode")
        await connection.execute("update cases set due_on = $1", TOMORROW)
        await ask_everything(impatient, case)


async def test_no_query_touches_the_vault(under_test: ServiceUnderTest, queries: CaseQueries) -> None:
    case = a_case()
    await keep(under_test, case)
    await under_test.pool.execute("drop table vault")
    await ask_everything(queries, case)


# Cases from before there was a desk


async def test_a_case_from_before_gets_a_due_date_a_status_and_topics(
    service: Service, stack: Stack, tmp_path: Path
) -> None:
    before = Path(copytree(service.migrations, tmp_path / "before", ignore=ignore_patterns("intake_0003.py")))
    url = provision(stack.postgres.admin_url, "intake", "before")
    try:
        await migrate(url, before)
        async with asyncpg.create_pool(url, min_size=1) as pool:
            case_id, question_id, empty_id = uuid4(), uuid4(), uuid4()
            question = (
                f'{{"id": "{question_id}", "channel": "WEB", "asked_at": "2026-11-23T23:30:00Z", "topics": '
                '[{"topic": "T07", "score": 5, "because": ["T07-01: werkplek"]}]}'
            )
            insert = "insert into cases values ($1, 'OUDER', '15-17', 'nl', null, $2, $3, 1)"
            await pool.execute(insert, case_id, NOON, f"[{question}]")
            await pool.execute(insert, empty_id, NOON, "[]")
            await migrate(url, service.migrations)
            view = await SqlCaseQueries(pool).case(case_id)
            (row,) = (await SqlCaseQueries(pool).desk(DeskFilter(topic=Topic.T07), date(2026, 11, 25))).rows
    finally:
        drop(stack.postgres.admin_url, "intake", "before")
    assert view
    assert (view.due_on, view.status, row.topics) == (date(2026, 11, 25), CaseStatus.OPEN, (Topic.T07,))
    assert [one.due_on for one in view.questions] == [date(2026, 11, 26)]  # half past midnight in Brussels
