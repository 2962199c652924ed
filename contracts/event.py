"""The base class of events, and how an event is declared with its type, its topic and its key field."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of an event type.

    `type` is the CloudEvents type and never follows from a Python path; `topic` is the Kafka topic; `key` is the
    field whose value keys the record: the id of the aggregate that published the event.
    """

    type: str
    topic: str
    key: str

    @property
    def owner(self) -> str:
        """The service that publishes it, read from the type `be.duaalwest.<owner>.<Name>.v<major>`."""
        return self.type.split(".")[2]


class Event(BaseModel):
    """Something that happened. Closed when written (an extra field is an error), open when read."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="iso8601")

    declaration: ClassVar[Declaration]

    @property
    def aggregate_id(self) -> UUID:
        """Id of the aggregate that published this event: the key of the Kafka record."""
        value: UUID = getattr(self, self.declaration.key)
        return value

    def to_json(self) -> bytes:
        """The data of the event as it goes on the wire: UTF-8 JSON, absent optional fields left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the data of an event. Unknown fields are ignored, because the writer may have a newer schema.

        Strict: a text is not converted to a number, nor a number to a boolean, so the reader's schema is exact.

        Raises:
            pydantic.ValidationError: the data is not JSON or not this event.
        """
        event: Self = cls.__pydantic_validator__.validate_json(data, strict=True, extra="ignore")
        return event


class Timer(Event):
    """A message of a service to itself that is published when it is due.

    A timer cannot be cancelled: the handler that receives it checks whether it still applies.
    """

    timer_id: UUID
    """Identifies this timer: setting a timer again with the same id has no second effect. No aggregate has this id."""
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
