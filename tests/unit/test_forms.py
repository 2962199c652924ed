"""A form keeps what was typed, and says in Dutch, beside the field, what is wrong with it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.handling import Refused
from chassis.web.forms import Choice, Form, Kind
from chassis.web.forms import Field as Shown


class Contact(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, StringConstraints(pattern=r"^\S+@\S+$")] | None = None


class Order(BaseModel):
    """A command."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=10)]
    places: Annotated[int, Field(ge=1)] = 1
    contact: Contact = Contact()
    case: str = "none"


FORM = Form(
    Order,
    Shown("name", "Naam", reasons={"missing": "Vul je naam in."}),
    Shown("places", "Plaatsen", kind=Kind.SELECT, choices=(Choice("1", "één"), Choice("2", "twee")), optional=True),
    Shown("contact.email", "E-mail", optional=True, reasons={"string_pattern_mismatch": "Geen e-mailadres."}),
)


def test_what_is_right_is_the_command() -> None:
    form = FORM.read({"name": " Ann ", "places": "2", "contact.email": "a@b"}, case="mine")
    assert form.command == Order(name="Ann", places=2, contact=Contact(email="a@b"), case="mine")
    assert form.summary == []
    assert form.shown("places") == "twee"


def test_what_was_left_empty_is_not_given() -> None:
    form = FORM.read({"name": "Ann", "places": "", "contact.email": "  "})
    assert form.command == Order(name="Ann")


def test_every_mistake_has_its_sentence_in_the_order_of_the_fields_and_nothing_is_lost() -> None:
    typed = {"name": "", "places": "0", "contact.email": "geen adres"}
    form = FORM.read(typed)
    assert form.command is None
    assert form.summary == [
        ("name", "Vul je naam in."),
        ("places", "Minstens 1."),
        ("contact-email", "Geen e-mailadres."),
    ]
    assert {name: form.value(name) for name in typed} == typed


def test_what_the_form_does_not_have_cannot_be_sent_with_it() -> None:
    form = FORM.read({"name": "Ann", "case": "another"})
    assert form.command == Order(name="Ann")


def test_what_the_handler_refuses_stands_beside_its_field_or_on_top() -> None:
    form = FORM.read({"name": "Ann"})
    assert form.refused(Refused("places", "Vol.")).summary == [("places", "Vol.")]
    assert form.refused(Refused("case", "Bestaat niet.")).summary == [("", "Bestaat niet.")]
    assert form.refused(Refused("places", "Vol.")).command is None


def test_what_was_uploaded_instead_of_typed_is_not_text() -> None:
    assert FORM.read({"name": object()}).error("name") == "Vul je naam in."
