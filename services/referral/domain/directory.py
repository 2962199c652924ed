"""The referral directory: which service of which partner answers what. The most specific rule wins."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from contracts.codelists.dated import Dated
from contracts.intake import LearnerAtRisk, QuestionReceived
from contracts.vocabulary import AgeBand, Audience, ReferralKind, RiskSignal, SchoolNet, Subregion, Topic


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What a rule may look at: the topic, and what is known of the person or organisation."""

    topic: Topic
    audience: Audience | None = None
    subregion: Subregion | None = None
    net: SchoolNet | None = None
    joint_committee: str | None = None
    age_band: AgeBand | None = None

    @classmethod
    def of_question(cls, event: QuestionReceived) -> "Enquiry":
        """A question is referred by its first topic."""
        return cls(
            topic=event.topics[0],
            audience=event.audience,
            subregion=event.subregion,
            net=event.school_net,
            joint_committee=event.joint_committee,
            age_band=event.age_band,
        )

    @classmethod
    def of_risk(cls, event: LearnerAtRisk, topic: Topic) -> "Enquiry":
        """A risk signal is referred by the topic that belongs to the signal."""
        return cls(topic=topic, subregion=event.subregion, age_band=event.age_band)


@dataclass(frozen=True, slots=True)
class Rule(Dated):
    """A row of the directory. A condition that is None fits everything."""

    rule_id: str
    topic: Topic
    audience: Audience | None
    subregion: Subregion | None
    net: SchoolNet | None
    joint_committee: str | None
    age_band: AgeBand | None
    kind: ReferralKind
    service_id: str
    then_service_id: str | None
    sla_days: int
    priority: int
    valid_from: date
    valid_to: date | None

    @property
    def version(self) -> str:
        """A rule is never edited: a change is a new row with another first day."""
        return self.valid_from.isoformat()

    def fits(self, enquiry: Enquiry) -> bool:
        """Does every condition of the rule hold?"""
        return self.topic == enquiry.topic and all(
            wanted is None or wanted == given for wanted, given in self._conditions(enquiry)
        )

    @property
    def specificity(self) -> int:
        """How many conditions the rule names."""
        conditions = (self.audience, self.subregion, self.net, self.joint_committee, self.age_band)
        return sum(condition is not None for condition in conditions)

    def _conditions(self, enquiry: Enquiry) -> tuple[tuple[str | None, str | None], ...]:
        return (
            (self.audience, enquiry.audience),
            (self.subregion, enquiry.subregion),
            (self.net, enquiry.net),
            (self.joint_committee, enquiry.joint_committee),
            (self.age_band, enquiry.age_band),
        )


@dataclass(frozen=True, slots=True)
class SignalRule(Dated):
    """The topic by which a risk signal is referred. The due date is not decided here: it comes with the risk."""

    signal: RiskSignal
    topic: Topic
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class ServiceOperator(Dated):
    """A partner whose feedback on the referrals of a service counts."""

    service_id: str
    partner: str
    valid_from: date
    valid_to: date | None


class NoRule(LookupError):
    """The directory has no rule, not even for human triage."""


def most_specific(rules: Iterable[Rule], enquiry: Enquiry, on: date) -> Rule | None:
    """The valid rule with the most conditions that fit the enquiry; among equals the one with the highest priority."""
    fitting = [rule for rule in rules if rule.valid_on(on) and rule.fits(enquiry)]
    return max(fitting, key=lambda rule: (rule.specificity, rule.priority, rule.rule_id), default=None)


class Directory:
    """All rules, by topic."""

    def __init__(
        self, rules: Iterable[Rule], signals: Iterable[SignalRule], operators: Iterable[ServiceOperator] = ()
    ) -> None:
        self._rules: dict[Topic, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.topic, []).append(rule)
        self._signals: dict[RiskSignal, list[SignalRule]] = {}
        for signal_rule in signals:
            self._signals.setdefault(signal_rule.signal, []).append(signal_rule)
        self._operators = list(operators)

    def rule_for(self, enquiry: Enquiry, on: date) -> Rule:
        """The rule that decides; without a fitting rule the one for T40 does, so that a person looks at it.

        Raises:
            NoRule: there is none for T40 either.
        """
        rule = most_specific(self._rules.get(enquiry.topic, ()), enquiry, on)
        rule = rule or most_specific(self._rules.get(Topic.T40, ()), Enquiry(Topic.T40), on)
        if rule is None:
            raise NoRule(f"no rule for {enquiry.topic} and none for {Topic.T40} on {on}")
        return rule

    def topic_of(self, signal: RiskSignal, on: date) -> Topic:
        """The topic of a risk signal; T40 for a signal that is not in the data yet, so that a person looks at it."""
        return next((rule.topic for rule in self._signals.get(signal, ()) if rule.valid_on(on)), Topic.T40)

    def operates(self, partner: str, service_id: str, on: date) -> bool:
        """Does this partner operate this service on that day, so that its feedback counts?"""
        return any(
            (one.partner, one.service_id) == (partner, service_id) and one.valid_on(on) for one in self._operators
        )
