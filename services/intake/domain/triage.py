"""Chooses the topics of a question, by rules that a colleague can read and change; each choice keeps its reason."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from contracts.codelists.dated import Dated
from contracts.vocabulary import Audience, Topic

ENOUGH = 3
"""Weight that a topic needs before it is chosen."""
AT_MOST = 3
"""Topics of one question."""
WORD = re.compile(r"[a-z0-9]+")
ACCENTS = re.compile("[\u0300-\u036f]")
"""Combining marks: the characters that remain beside the letter when a text is decomposed (NFD)."""


@dataclass(frozen=True, slots=True)
class TriageRule(Dated):
    """Fires when every term is the beginning of some word in the text."""

    rule_id: str
    topic: Topic
    audience: Audience | None
    terms: str
    weight: int
    valid_from: date
    valid_to: date | None

    def is_for(self, audience: Audience) -> bool:
        """Does the rule apply to this audience?"""
        return self.audience in (None, audience)


@dataclass(frozen=True, slots=True)
class ChosenTopic:
    """A topic, and why: the rules that fired, each with its terms."""

    topic: Topic
    score: int
    because: tuple[str, ...]


UNSURE = ChosenTopic(Topic.T40, 0, ("geen enkele regel past: een medewerker bekijkt de vraag",))


class Triage:
    """All rules."""

    def __init__(self, rules: Iterable[TriageRule]) -> None:
        self._rules = [(rule, frozenset(rule.terms.split())) for rule in rules]
        self._longest = max((len(term) for _, terms in self._rules for term in terms), default=0)

    def topics_of(self, text: str, audience: Audience, on: date) -> tuple[ChosenTopic, ...]:
        """At most three topics, best first; T40 alone when no topic has enough weight."""
        # Looking terms up in a set: comparing every term with every word took a sixth of the time of a question.
        there = beginnings_of(words_of(text), self._longest)
        fired: dict[Topic, list[TriageRule]] = defaultdict(list)
        for rule, terms in self._rules:
            if terms <= there and rule.is_for(audience) and rule.valid_on(on):
                fired[rule.topic].append(rule)
        chosen = [_chosen(topic, rules) for topic, rules in fired.items()]
        enough = sorted((one for one in chosen if one.score >= ENOUGH), key=lambda one: (-one.score, one.topic))
        return tuple(enough[:AT_MOST]) or (UNSURE,)


def words_of(text: str) -> frozenset[str]:
    """The words of a text, in lower case and without accents."""
    plain = ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return frozenset(WORD.findall(plain))


def beginnings_of(words: Iterable[str], longest: int) -> frozenset[str]:
    """Every beginning of every word, up to `longest` letters."""
    return frozenset(word[:end] for word in words for end in range(1, min(len(word), longest) + 1))


def _chosen(topic: Topic, rules: Sequence[TriageRule]) -> ChosenTopic:
    return ChosenTopic(
        topic, sum(rule.weight for rule in rules), tuple(f"{rule.rule_id}: {rule.terms}" for rule in rules)
    )
