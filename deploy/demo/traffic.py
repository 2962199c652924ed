"""A day of traffic: sample questions, and searches, risks, workplaces and dossiers from a seeded generator."""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.codelists import CodeLists
from contracts.codelists.institutions import Institution, InstitutionKind
from contracts.codelists.programmes import Programme
from contracts.vocabulary import AgeBand, Recognition, RiskSignal, Role

QUESTIONS = Path(__file__).parent / "questions.csv"

NUMBER_OF = {"questions": 860, "learner-searches": 350, "risk-reports": 170, "workplaces": 330, "dossiers": 40}
"""Requests of the day. They lead to about 5,000 events."""

FORM = "/vraag"
ON_THE_WEBSITE = 20
"""Of so many questions one is asked on the website; the form takes 60 from one address in ten minutes."""

POPULAR = ("88", "310", "304", "65", "112", "115", "554", "152", "110", "313", "14", "17", "90", "371", "143")
"""Programmes that most learners ask for; the other requests are spread over all programmes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. It keeps its `key` when it is sent again."""

    service: str
    path: str
    body: dict[str, Any]
    key: str

    @property
    def is_form(self) -> bool:
        """Is it sent as the public form of the website, and not as JSON?"""
        return self.path == FORM


class Day:
    """One generated day; the same seed makes the same day."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        lists = CodeLists.read()
        self._schools = [one for one in lists.institutions.by_number.values() if one.kind is not InstitutionKind.CVO]
        self._programmes = list(lists.programmes.by_number.values())
        self._codes = [code.postal_code for code in lists.places.postal_codes if code.valid_to is None]
        self._joint_committees = list(lists.joint_committees.by_number)
        self._samples = _samples()

    def requests(self) -> list[Request]:
        """All requests, in the order of the day."""
        made = [request for kind, number in NUMBER_OF.items() for request in self._some(kind, number)]
        self._random.shuffle(made)
        return made

    def _some(self, kind: str, number: int) -> Iterator[Request]:
        make = {
            "questions": self._question,
            "learner-searches": self._search,
            "risk-reports": self._risk,
            "workplaces": self._workplace,
            "dossiers": self._dossier,
        }[kind]
        service = "pof" if kind == "dossiers" else "intake"
        for at in range(number):
            request = Request(service, f"/{kind}", make(at), f"day-{self._seed}-{kind}-{at}")
            yield _on_the_website(request) if kind == "questions" and at % ON_THE_WEBSITE == 0 else request

    def _question(self, at: int) -> dict[str, Any]:
        sample = self._samples[at % len(self._samples)]
        first = at < len(self._samples)
        question: dict[str, Any] = {
            "audience": sample["audience"],
            "text": sample["text"],
            "channel": self._random.choice(["WEB", "WEB", "MAIL", "TELEFOON"]),
            "postal_code": sample["postal_code"] if first else self._random.choice(self._codes),
            "contact": {"name": f"Vrager {at}", "email": f"vrager{at}@burgers.example.org"},
        }
        if sample["audience"] in ("LERENDE", "OUDER"):
            question["age_band"] = self._random.choice([AgeBand.FROM_15_TO_17, AgeBand.FROM_18_TO_25])
        if sample["audience"] == "SCHOOL":
            question["school"] = self._school().number
        if sample["audience"] == "ONDERNEMING":
            question["joint_committee"] = self._random.choice(self._joint_committees)
        return question

    def _learner(self, at: int) -> dict[str, Any]:
        # The same number is the same learner, so that some learners both search and are reported at risk.
        return {
            "school": self._schools[at % len(self._schools)].number,
            "reference": f"leerling-{at}",
            "age_band": self._random.choice([AgeBand.FROM_15_TO_17, AgeBand.FROM_15_TO_17, AgeBand.FROM_18_TO_25]),
            "postal_code": self._random.choice(self._codes),
        }

    def _search(self, at: int) -> dict[str, Any]:
        days = self._random.choice([[], ["WED", "THU", "FRI"], ["MON", "TUE", "WED"]])
        return self._learner(at) | {
            "programme": self._programme(),
            "days": days,
            "max_distance_km": self._random.choice([10, 15, 25, 40]),
            "needs_public_transport": self._random.random() < 0.3,
        }

    def _risk(self, at: int) -> dict[str, Any]:
        return self._learner(at) | {
            "signal": self._random.choice(list(RiskSignal)[:10]),
            "reported_by": self._random.choice([Role.TRAJECTBEGELEIDER, Role.SCHOOL, Role.CLB]),
            "programme": self._programme(),
        }

    def _workplace(self, at: int) -> dict[str, Any]:
        known = [Recognition.ERKEND] * 6 + [Recognition.AANGEVRAAGD, Recognition.INTERESSE]
        return {
            "company": f"Onderneming {at}",
            "enterprise_number": _enterprise_number(3_000_000 + self._seed * 1000 + at),
            "programme": self._programme(),
            "recognition": self._random.choice(known),
            "open_positions": self._random.choice([1, 1, 2, 3]),
            "postal_code": self._random.choice(self._codes),
            "days": self._random.choice([[], ["MON", "TUE", "WED", "THU", "FRI"]]),
            "public_transport": self._random.choice([True, False, None]),
            "had_learner_before": self._random.choice([True, False, None]),
            "contact": {"name": f"Zaakvoerder {at}", "phone": "051 20 30 40"},
        }

    def _dossier(self, at: int) -> dict[str, Any]:
        schools = [one for one in self._schools if one.kind is InstitutionKind.SCHOOL]
        return {
            "institution": schools[at % len(schools)].number,
            "site": "hoofdzetel",
            "programme": self._programme(),
            "education_type": "gewoon",
            "school_year": "2027-2028",
        }

    def _school(self) -> Institution:
        return self._random.choice(self._schools)

    def _programme(self) -> str:
        rare: Sequence[Programme] = self._programmes
        return self._random.choice(POPULAR) if self._random.random() < 0.9 else self._random.choice(rare).so_number


def _on_the_website(request: Request) -> Request:
    """The same question, as the fields of the form. The seed in it makes a form that is sent twice one question."""
    names = ("audience", "text", "postal_code", "age_band")
    fields: dict[str, Any] = {name: request.body[name] for name in names if name in request.body}
    contact = {f"contact.{name}": value for name, value in request.body["contact"].items()}
    return Request("intake", FORM, {**fields, **contact, "step": "send", "seed": f"{request.key:-<22}"}, request.key)


def _samples() -> list[dict[str, str]]:
    with QUESTIONS.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _enterprise_number(first_eight: int) -> str:
    """An invented number with valid check digits."""
    return f"{first_eight:08d}{97 - first_eight % 97:02d}"
