"""Dated policies: how soon somebody is contacted, what a risk signal means, how long a search or an offer lasts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from contracts.codelists.dated import Dated
from contracts.vocabulary import EducationType, RiskSignal, Topic
from services.intake.domain.learner import SearchClock, SignalPolicy


@dataclass(frozen=True, slots=True)
class Setting(Dated):
    """A number that may change from one day on."""

    name: str
    value: int
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class FirstContact(Dated):
    """Within how many working days a person contacts whoever asked; without a topic: for every other topic."""

    topic: Topic | None
    days: int
    valid_from: date
    valid_to: date | None


D = TypeVar("D", bound=Dated)


class NothingValid(LookupError):
    """The reference data have no valid row for this day."""


@dataclass(frozen=True)
class Policies:
    """All policies, each with the days on which it holds."""

    signals: tuple[SignalPolicy, ...]
    clocks: tuple[SearchClock, ...]
    settings: tuple[Setting, ...]
    first_contacts: tuple[FirstContact, ...]

    def signal(self, signal: RiskSignal, on: date) -> SignalPolicy:
        """What this signal means on this day."""
        return _valid((one for one in self.signals if one.signal is signal), on, signal)

    def clock(self, education_type: EducationType, on: date) -> SearchClock:
        """The search clock of this type of education."""
        return _valid((one for one in self.clocks if one.education_type is education_type), on, education_type)

    def days_open(self, on: date) -> int:
        """For how many days a registered workplace is offered."""
        return self._setting("days_open", on)

    def link_days(self, on: date) -> int:
        """For how many days a private link works."""
        return self._setting("link_days", on)

    def first_contact_days(self, topics: Iterable[Topic], on: date) -> int:
        """The working days of the most urgent of these topics."""
        return min(self._days_of(topic, on) for topic in topics)

    def _days_of(self, topic: Topic, on: date) -> int:
        own = [one for one in self.first_contacts if one.topic is topic and one.valid_on(on)]
        others = (one for one in self.first_contacts if one.topic is None)
        return _valid(own or others, on, f"the first contact about {topic}").days

    def _setting(self, name: str, on: date) -> int:
        return _valid((one for one in self.settings if one.name == name), on, name).value


def _valid(candidates: Iterable[D], on: date, what: str) -> D:
    """The newest of the candidates that holds on this day."""
    holding = [one for one in candidates if one.valid_on(on)]
    if not holding:
        raise NothingValid(f"nothing holds for {what} on {on}")
    return max(holding, key=lambda one: one.valid_from)
