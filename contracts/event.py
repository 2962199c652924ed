"""What an event is: an immutable fact, declared with its type, its topic and the field that keys it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the registry knows of an event type.

    `type` is the CloudEvents type and never follows from a Python path; `topic` is the Kafka topic; `key` is the
    field whose value keys the record, the id of the aggregate that left the fact.
    """

    type: str
    topic: str
    key: str

    @property
    def owner(self) -> str:
        """The service that publishes it, read from the type `be.duaalwest.<owner>.<Name>.v<major>`."""
        return self.type.split(".")[2]


class Event(BaseModel):
    """A fact in the past tense. Closed when written (an extra field is an error), open when read."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="iso8601")

    declaration: ClassVar[Declaration]

    @property
    def aggregate_id(self) -> UUID:
        """Id of the aggregate that left this fact: the key of the Kafka record."""
        value: UUID = getattr(self, self.declaration.key)
        return value

    def to_json(self) -> bytes:
        """The data of the event as it goes on the wire: UTF-8 JSON, absent optional fields left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read what somebody wrote, perhaps with a newer schema: fields we do not know are ignored.

        Strict: a number is not taken from a text nor a truth from a number, so that the reader's schema tells all.

        Raises:
            pydantic.ValidationError: the data is not JSON or not this event.
        """
        event: Self = cls.__pydantic_validator__.validate_json(data, strict=True, extra="ignore")
        return event


class Timer(Event):
    """A message of a service to itself that is sent when its time has come.

    Nobody takes it back: who gets it looks whether it still matters.
    """

    timer_id: UUID
    """Its own, made for this timer alone: what sets it again sets the same one. No aggregate has this id."""
    due_at: AwareDatetime


E = TypeVar("E", bound=type[Event])


def event(type_: str, *, topic: str, key: str) -> Callable[[E], E]:
    """Declare an event. `key` must be a field of the model."""

    def declare(model: E) -> E:
        if key not in model.__pydantic_fields__:
            raise TypeError(f"{model.__name__}: the key {key!r} is not one of its fields")
        model.declaration = Declaration(type_, topic, key)
        return model

    return declare
