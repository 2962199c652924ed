"""No personal data on Kafka: the linter refuses schemas that could hold any, and accepts ours."""

from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Event
from contracts.privacy import findings
from contracts.registry import EVENTS
from contracts.schema import schema_of
from contracts.vocabulary import Code, NisCode

Schema = dict[str, Any]

FREE = {"type": "string"}
CODE = {"type": "string", "pattern": "^[a-z]+$"}
ID = {"type": "string", "format": "uuid"}


def closed(**fields: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": fields}


BAD = {
    "a name": closed(name=CODE),
    "a first name": closed(first_name=CODE),
    "a name in one word": closed(firstname=CODE),
    "a name in camel case": closed(learnerName=CODE),
    "a name in Dutch": closed(achternaam_voornaam=CODE),
    "a mail address": closed(contact_email=CODE),
    "a mail address by its format": closed(contact={"type": "string", "format": "email"}),
    "a page of somebody": closed(site={"type": "string", "format": "uri"}),
    "a telephone": closed(gsm=CODE),
    "a birth date": closed(birth_date={"type": "string", "format": "date"}),
    "a national number that says it is an id": closed(national_id={"type": "string", "pattern": "^[0-9]{11}$"}),
    "an address": closed(home_address=CODE),
    "a diagnosis": closed(diagnosis=CODE),
    "free text": closed(thing=FREE),
    "free text that may be absent": closed(thing={"anyOf": [FREE, {"type": "null"}]}),
    "free text in oneOf": closed(thing={"oneOf": [FREE, CODE]}),
    "free text in a list": closed(things={"type": "array", "items": FREE}),
    "free text in a tuple": closed(things={"type": "array", "prefixItems": [CODE, FREE]}),
    "a list of anything": closed(things={"type": "array"}),
    "a list of anything at all": closed(things={"type": "array", "items": {}}),
    "nested": closed(outer=closed(inner=closed(name=CODE))),
    "in $defs": closed(outer={"$ref": "#/$defs/Outer"}) | {"$defs": {"Outer": closed(email=CODE)}},
    "in a list of $defs": closed(outer={"type": "array", "items": {"$ref": "#/$defs/Outer"}})
    | {"$defs": {"Outer": closed(words_used=CODE)}},
    "in an alternative": closed(outer={"anyOf": [{"$ref": "#/$defs/Outer"}, {"type": "null"}]})
    | {"$defs": {"Outer": closed(thing=FREE)}},
    "an object that takes any field": closed(thing={"type": "object"}),
    "an object that takes any text": closed(thing={"type": "object", "additionalProperties": FREE}),
    "an event that takes any field": {"type": "object", "properties": {"thing": CODE}},
    "anything": closed(thing={}),
    "anything but something": closed(thing={"not": CODE}),
    "a municipality beside a learner": closed(learner_id=ID, nis=CODE),
    "coordinates beside a learner": closed(learner_id=ID, home=closed(lat={"type": "number"})),
    "a municipality beside a learner of a partner": closed(learner_reference=CODE, nis=CODE),
    "a municipality beside learners": closed(learner_ids={"type": "array", "items": ID}, nis=CODE),
}

GOOD = {
    "an id": closed(message_id=ID, question_id=ID),
    "ids": closed(message_ids={"type": "array", "items": ID}),
    "an id that may be absent": closed(message_id={"anyOf": [ID, {"type": "null"}]}),
    "an age band": closed(age_band={"type": "string", "enum": ["15-17"]}),
    "the municipality of a company": closed(workplace_id=ID, nis=CODE),
    "a subregion beside a learner": closed(learner_id=ID, subregion=CODE),
    "numbers, days and moments": closed(
        score={"type": "integer"},
        share={"type": "number"},
        sent={"type": "boolean"},
        due_on={"type": "string", "format": "date"},
        at={"type": "string", "format": "date-time"},
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_schema_that_could_carry_personal_data_is_refused(name: str) -> None:
    assert findings(BAD[name])


@pytest.mark.parametrize("name", GOOD)
def test_a_schema_that_cannot_is_not(name: str) -> None:
    assert findings(GOOD[name]) == []


@pytest.mark.parametrize("model", EVENTS.values(), ids=EVENTS)
def test_none_of_our_events_can(model: type[Event]) -> None:
    assert findings(schema_of(model)) == []


def test_a_finding_says_where_and_why() -> None:
    (finding,) = findings(closed(outer=closed(email=CODE)))
    assert finding == "outer.email: the name says personal data (email)"


class Place(BaseModel):
    """A part with a field that is not allowed."""

    model_config = ConfigDict(extra="forbid")

    nis: NisCode


class Carefree(Event):
    """An event that is not allowed."""

    learner_id: UUID
    lives_in: Place
    nickname: str
    remarks: Annotated[tuple[str, ...], Field(max_length=3)] = ()
    told_by: tuple[Code, str]


def test_a_model_of_tomorrow_is_seen_through() -> None:
    paths = {finding.split(":")[0] for finding in findings(Carefree.model_json_schema())}
    assert paths == {"lives_in.nis", "nickname", "remarks", "told_by"}
