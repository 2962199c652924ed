"""The letters: their golden texts, and what a letter may never hold."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codelists.institutions import Institutions
from contracts.codelists.programmes import Programmes
from contracts.event import Event
from contracts.matching import Reason
from contracts.vocabulary import (
    Audience,
    Criterion,
    OpenEnum,
    ReferralKind,
    RiskSignal,
    Role,
    Severity,
    Subregion,
    Topic,
)
from services.notifications.adapters.reference import read_labels
from services.notifications.adapters.templates import TEMPLATES, TextTemplates
from services.notifications.domain.message import Message
from tests.builders import (
    MONDAY,
    a_learner_at_risk,
    a_match,
    a_question,
    a_referral,
    a_submitted_dossier,
    some_evidence,
)
from tests.unit.notifications.messages import a_message_for

GOLDEN = Path(__file__).parent / "golden"
CONTACT = "bel naar het Steunpunt"
LINK = "https://duaal.example/vraag/volg/0123456789abcdef"
LABELS = read_labels()
LETTERS = TextTemplates(LABELS, Institutions.read(), Programmes.read(), CONTACT)
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def number(last: int) -> UUID:
    return UUID(int=last, version=4)


def written(message: Message) -> str:
    text = LETTERS.render(message, MONDAY, LINK)
    return f"{text.subject}\n\n{text.body}"


def a_full_referral(kind: ReferralKind) -> Event:
    return a_referral(
        referral_id=number(1),
        case_id=number(2),
        kind=kind,
        topic=Topic.T03,
        subregion=Subregion.WESTHOEK,
        service_id="clb-westhoek",
    )


def reasons(*given: tuple[Criterion, bool, bool]) -> tuple[Reason, ...]:
    return tuple(Reason(criterion=c, matched=matched, known=known, weight=1) for c, matched, known in given)


FULL = {
    **{f"referral-{kind.value.lower()}": a_full_referral(kind) for kind in ReferralKind if kind.name != "UNKNOWN"},
    "match": a_match(
        proposal_id=number(1),
        search_id=number(2),
        score=67,
        recognition_pending=True,
        reasons=reasons(
            (Criterion.DISTANCE, True, True), (Criterion.LANGUAGE, False, True), (Criterion.ACCESSIBILITY, True, False)
        ),
    ),
    "risk": a_learner_at_risk(risk_id=number(1), programme="88", subregion=Subregion.BRUGGE),
    "receipt": a_question(question_id=number(1), case_id=number(2)),
    "programmatie": a_submitted_dossier(dossier_id=number(1), evidence=some_evidence(learners_searching=12)),
}
MINIMAL = {
    "referral-minimal": a_referral(
        referral_id=number(1), case_id=None, question_id=None, audience=None, risk_id=number(3)
    ),
    "match-minimal": a_match(proposal_id=number(1), search_id=number(2), distance_km=None),
    "risk-minimal": a_learner_at_risk(risk_id=number(1), severity=Severity.AMBER),
    "programmatie-minimal": a_submitted_dossier(dossier_id=number(1), deadline=None, deadline_kept=None),
}
FROM_TOMORROW = {
    "referral-from-tomorrow": a_referral(referral_id=number(1), case_id=number(2)).model_copy(
        update={"kind": ReferralKind.UNKNOWN, "topic": Topic.UNKNOWN, "audience": Audience.UNKNOWN}
    ),
    "risk-from-tomorrow": a_learner_at_risk(risk_id=number(1)).model_copy(
        update={"signal": RiskSignal.UNKNOWN, "severity": Severity.UNKNOWN, "owner": Role.UNKNOWN}
    ),
}
EVENTS = FULL | MINIMAL | FROM_TOMORROW


@pytest.mark.parametrize("name", EVENTS)
def test_the_letter_is_the_golden_text(name: str) -> None:
    assert written(a_message_for(EVENTS[name])) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_text_is_looked_at() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == EVENTS.keys()


@pytest.mark.parametrize("name", EVENTS)
def test_no_letter_leaves_anything_empty_or_shows_a_code(name: str) -> None:
    text = written(a_message_for(EVENTS[name]))
    assert not re.search(r"None|UNKNOWN|[{}]|\b[A-Z]+_[A-Z]+\b|\n\n\n|  |: *\n(?!-)| \.", text), text


@pytest.mark.parametrize("name", EVENTS)
def test_every_letter_says_how_to_reach_a_human(name: str) -> None:
    assert CONTACT in written(a_message_for(EVENTS[name]))


@pytest.mark.parametrize("vocabulary", [Topic, Audience, Subregion, Role, RiskSignal, Criterion, ReferralKind])
def test_every_code_has_a_dutch_word(vocabulary: type[OpenEnum]) -> None:
    name = {RiskSignal: "signal", ReferralKind: "kind"}.get(vocabulary, vocabulary.__name__.lower())
    nameless = [one for one in vocabulary if one.name != "UNKNOWN" and LABELS.word_for(name, one, MONDAY) == one]
    assert nameless == []


def test_a_school_and_a_programme_that_we_do_not_know_keep_their_numbers() -> None:
    text = written(a_message_for(a_match(school="99999", programme="77777")))
    assert "school 99999" in text
    assert "opleiding 77777" in text


def some(vocabulary: type[OpenEnum]) -> st.SearchStrategy[Any]:
    return st.sampled_from([one for one in vocabulary if one.name != "UNKNOWN"])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


codes = st.from_regex(r"[A-Z]{3}\.[0-9]{6}", fullmatch=True)
days = st.dates(min_value=date(2026, 1, 1), max_value=date(2030, 12, 31))
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        a_referral,
        case_id=maybe(st.uuids()),
        learner_id=maybe(st.uuids()),
        risk_id=maybe(st.uuids()),
        topic=some(Topic),
        audience=maybe(some(Audience)),
        subregion=maybe(some(Subregion)),
        kind=some(ReferralKind),
        service_id=codes,
        next_service_id=maybe(codes),
        rule_id=codes,
        rule_version=codes,
        due_on=days,
    ),
    st.builds(a_question, topics=st.lists(some(Topic), min_size=1, max_size=3).map(tuple)),
    st.builds(
        a_match,
        score=st.integers(0, 100),
        distance_km=maybe(st.floats(0, 200)),
        recognition_pending=st.booleans(),
        reasons=st.lists(
            st.builds(Reason, criterion=some(Criterion), matched=st.booleans(), known=st.booleans(), weight=st.just(1)),
            min_size=1,
            max_size=7,
        ),
        rule_version=codes,
        expires_on=days,
    ),
    st.builds(
        a_learner_at_risk,
        signal=some(RiskSignal),
        severity=some(Severity),
        owner=some(Role),
        subregion=maybe(some(Subregion)),
        programme=maybe(st.just("88")),
        due_on=days,
    ),
    st.builds(
        a_submitted_dossier,
        agodi_reference=codes,
        site=codes,
        deadline=maybe(days),
        deadline_kept=maybe(st.booleans()),
        evidence=st.builds(some_evidence, learners_searching=st.integers(0, 40)),
    ),
)


def values_of(value: object) -> Iterator[str]:
    """Every value in an event that holds information by itself."""
    if isinstance(value, dict):
        for one in value.values():
            yield from values_of(one)
    elif isinstance(value, UUID) or (isinstance(value, str) and re.fullmatch(r"[A-Z]{3}\.[0-9]{6}", value)):
        yield str(value)


def test_only_a_letter_to_who_asked_has_a_private_link() -> None:
    assert [name for name, event in EVENTS.items() if LINK in written(a_message_for(event))] == ["receipt"]


@given(events)
def test_a_letter_holds_no_value_outside_its_parameters(event: Event) -> None:
    message = a_message_for(event)
    text, kept = written(message), {str(message.about), *dict(message.parameters).values()}
    assert {value for value in values_of(event.model_dump()) if value in text} <= kept
    assert set(UUIDS.findall(text)) <= kept


@given(events)
def test_every_parameter_is_one_that_a_letter_uses(event: Event) -> None:
    message = a_message_for(event)
    source = (TEMPLATES / f"{message.template}.txt").read_text(encoding="utf-8")
    assert [name for name, _ in message.parameters if name not in source] == []
