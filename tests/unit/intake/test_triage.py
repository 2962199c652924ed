"""Triage: the rules choose the topics, and each choice has its reason."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.vocabulary import Audience, Topic
from services.intake.adapters.reference import read_triage
from services.intake.domain.triage import AT_MOST, ENOUGH, UNSURE, ChosenTopic, Triage, TriageRule, words_of

TODAY = date(2026, 11, 23)
SAMPLES = Path(__file__).parents[3] / "deploy" / "demo" / "questions.csv"
TERMS = st.text("abé1", min_size=1, max_size=4)
A_RULE = st.builds(
    TriageRule,
    rule_id=st.sampled_from(["1", "2", "3"]),
    topic=st.sampled_from([Topic.T01, Topic.T02, Topic.T03, Topic.T04]),
    audience=st.none() | st.sampled_from(Audience),
    terms=st.lists(TERMS, min_size=1, max_size=3).map(" ".join),
    weight=st.integers(1, 4),
    valid_from=st.dates(date(2026, 1, 1), date(2026, 1, 4)),
    valid_to=st.none() | st.dates(date(2026, 1, 3), date(2026, 1, 6)),
)


def a_rule(topic: Topic, terms: str, weight: int = 3, audience: Audience | None = None) -> TriageRule:
    return TriageRule(f"{topic}-1", topic, audience, terms, weight, date(2025, 9, 1), None)


def topics(text: str, *rules: TriageRule, audience: Audience = Audience.OUDER, on: date = TODAY) -> list[Topic]:
    return [chosen.topic for chosen in Triage(rules).topics_of(text, audience, on)]


def samples() -> list[dict[str, str]]:
    with SAMPLES.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: f"nr {sample['number']}")
def test_the_sample_questions_get_the_topic_that_the_steunpunt_expects_first(sample: dict[str, str]) -> None:
    chosen = read_triage().topics_of(sample["text"], Audience(sample["audience"]), TODAY)
    assert chosen[0].topic in sample["topics"].split("|")


def test_a_term_is_the_beginning_of_a_word_whatever_the_case_and_accents() -> None:
    assert topics("Mijn WERKPLÉK?", a_rule(Topic.T07, "werkplek")) == [Topic.T07]
    assert topics("De zoekwerkplek", a_rule(Topic.T07, "werkplek")) == [Topic.T40]


def test_every_term_has_to_be_there() -> None:
    assert topics("contract", a_rule(Topic.T18, "contract stopgezet")) == [Topic.T40]


def test_weights_of_one_topic_add_up_and_the_heaviest_topic_comes_first() -> None:
    rules = [a_rule(Topic.T14, "premie", 2), a_rule(Topic.T14, "bedrag", 2), a_rule(Topic.T13, "loon", 3)]
    assert topics("loon, premie en bedrag", *rules) == [Topic.T14, Topic.T13]
    assert topics("premie", *rules) == [Topic.T40]


def test_at_most_three_topics_are_chosen() -> None:
    rules = [a_rule(topic, "hulp") for topic in (Topic.T04, Topic.T01, Topic.T02, Topic.T03)]
    assert topics("hulp", *rules) == [Topic.T01, Topic.T02, Topic.T03]


def test_a_rule_for_companies_does_not_fire_for_parents() -> None:
    rule = a_rule(Topic.T08, "leerling", audience=Audience.ONDERNEMING)
    assert topics("een leerling", rule) == [Topic.T40]
    assert topics("een leerling", rule, audience=Audience.ONDERNEMING) == [Topic.T08]


def test_the_reason_names_the_rule_and_its_words() -> None:
    (chosen,) = Triage([a_rule(Topic.T14, "premie")]).topics_of("Welke premie?", Audience.ONDERNEMING, TODAY)
    assert chosen.because == ("T14-1: premie",)


def test_a_rule_of_last_year_does_not_fire() -> None:
    assert topics("premie", a_rule(Topic.T14, "premie"), on=date(2025, 8, 31)) == [Topic.T40]


def test_punctuation_separates_words() -> None:
    assert words_of("time-out, B&B") == {"time", "out", "b"}


def by_definition(rules: list[TriageRule], text: str, audience: Audience, on: date) -> tuple[ChosenTopic, ...]:
    """The definition of triage, term by term and word by word."""

    def fires(rule: TriageRule) -> bool:
        meant = rule.audience in (None, audience)
        valid = rule.valid_from <= on and (rule.valid_to is None or on <= rule.valid_to)
        return meant and valid and all(any(w.startswith(term) for w in words_of(text)) for term in rule.terms.split())

    chosen = []
    for topic in Topic:
        fired = [rule for rule in rules if rule.topic is topic and fires(rule)]
        score = sum(rule.weight for rule in fired)
        chosen.append(ChosenTopic(topic, score, tuple(f"{rule.rule_id}: {rule.terms}" for rule in fired)))
    enough = [one for one in chosen if one.score >= ENOUGH]
    return tuple(sorted(enough, key=lambda one: (-one.score, one.topic))[:AT_MOST]) or (UNSURE,)


@settings(max_examples=300)
@given(
    st.lists(A_RULE, max_size=12),
    st.text("abé1 -,A", max_size=30),
    st.sampled_from(Audience),
    st.dates(date(2025, 12, 31), date(2026, 1, 7)),
)
def test_triage_agrees_with_its_definition(rules: list[TriageRule], text: str, audience: Audience, on: date) -> None:
    assert Triage(rules).topics_of(text, audience, on) == by_definition(rules, text, audience, on)
