"""The facts that every service publishes about its own running."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Event, event
from contracts.vocabulary import Code, DeadLetterReason


@event(
    "be.duaalwest.operations.DeadLetterOpened.v1",
    topic="duaal.<service>.dead-letters",
    key="dead_letter_id",
)
class DeadLetterOpened(Event):
    """A service set a record aside. The record itself stays in its database: it may hold what may not travel."""

    dead_letter_id: UUID
    service: Code
    topic: Code
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    reason: DeadLetterReason
    error: Code
    """Class of the error; its text stays in the database."""
    type: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] | None = None
    attempts: Annotated[int, Field(ge=0)]
    opened_at: AwareDatetime
