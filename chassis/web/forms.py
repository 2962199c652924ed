"""Forms made from commands: what was typed is kept, and every error stands beside its field, in Dutch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from chassis.handling import Refused
from chassis.reasons import reason_of

C = TypeVar("C", bound=BaseModel)


class Kind(StrEnum):
    """How a field is shown."""

    TEXT = "text"
    SHORT = "short"
    """some characters, such as a postal code"""
    LONG = "long"
    EMAIL = "email"
    TEL = "tel"
    RADIO = "radio"
    SELECT = "select"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of a field."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a command, as people see it."""

    name: str
    """The path in the command: `contact.email`."""
    label: str
    hint: str = ""
    kind: Kind = Kind.TEXT
    choices: tuple[Choice, ...] = ()
    optional: bool = False
    autocomplete: str = "off"
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Sentences for this field's errors, by pydantic's type of error; `missing` is also for what was left empty."""

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")


@dataclass(frozen=True)
class Filled(Generic[C]):
    """A form with what somebody typed."""

    fields: tuple[Field, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """By name of the field; the empty name: of the form as a whole."""
    command: C | None = None
    """When there are no errors."""

    def __getitem__(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def value(self, name: str) -> str:
        """What was typed."""
        return self.values.get(name, "")

    def shown(self, name: str) -> str:
        """What was typed, in the words of the form."""
        labels = {choice.value: choice.label for choice in self[name].choices}
        return labels.get(self.value(name), self.value(name))

    def error(self, name: str) -> str:
        """What is wrong with a field."""
        return self.errors.get(name, "")

    @property
    def summary(self) -> list[tuple[str, str]]:
        """For the top of the page: the id of each field with an error, and the error. In the order of the fields."""
        of_fields = [(one.id, self.errors[one.name]) for one in self.fields if one.name in self.errors]
        return of_fields + ([("", self.errors[""])] if "" in self.errors else [])

    def refused(self, refused: Refused) -> "Filled[C]":
        """With what the command's handler did not accept."""
        known = refused.field in {one.name for one in self.fields}
        return replace(self, errors={**self.errors, refused.field if known else "": refused.reason}, command=None)

    def wrong(self, reason: str) -> "Filled[C]":
        """With an error of the form as a whole."""
        return replace(self, errors={**self.errors, "": reason}, command=None)


class Form(Generic[C]):
    """A form for one command."""

    def __init__(self, command: type[C], *fields: Field) -> None:
        self._command = command
        self.fields = fields

    def blank(self, **values: str) -> Filled[C]:
        """Nothing typed yet."""
        return Filled(self.fields, values)

    def read(self, data: Mapping[str, Any], **fixed: Any) -> Filled[C]:
        """What somebody sent; `fixed` are fields of the command that are not in the form."""
        values = {one.name: _text(data.get(one.name)) for one in self.fields}
        given = {name: value for name, value in values.items() if value.strip()}
        try:
            command = self._command.model_validate({**_nested(given), **fixed})
        except ValidationError as error:
            return Filled(self.fields, values, self._reasons(error))
        return Filled(self.fields, values, command=command)

    def _reasons(self, error: ValidationError) -> dict[str, str]:
        by_name = {one.name: one for one in self.fields}
        reasons: dict[str, str] = {}
        for line in error.errors(include_url=False):
            name = ".".join(str(part) for part in line["loc"])
            known = by_name.get(name)
            reasons.setdefault(known.name if known else "", reason_of(line, known.reasons if known else None))
        return reasons


def _text(value: Any) -> str:
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _nested(values: Mapping[str, str]) -> dict[str, Any]:
    """`contact.email` is the email in contact."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return nested
