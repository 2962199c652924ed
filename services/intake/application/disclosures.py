"""Reading the vault: who may learn what about whom. Every reading is audited, with the actor and the purpose."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from chassis.actors import Actor


class Reading(StrEnum):
    """What was read, as the audit calls it."""

    WORDS = "ReadWords"
    """what somebody wrote"""
    CONTACT = "ReadContact"
    """the name, and how somebody can be reached"""


@dataclass(frozen=True, slots=True)
class ContactView:
    """How the person behind one question or workplace can be reached."""

    id: UUID
    """Of the question or the workplace."""
    person: str | None
    email: str | None
    phone: str | None
    organisation: str | None

    @property
    def is_empty(self) -> bool:
        """Did the person leave nothing?"""
        return not (self.person or self.email or self.phone or self.organisation)


class Vault(Protocol):
    """The vault, for whoever shows something of it."""

    async def words(self, ids: Collection[UUID], actor: Actor, at: datetime) -> Mapping[UUID, str]:
        """What people wrote, by id of the question."""
        ...

    async def contacts(self, ids: Collection[UUID], actor: Actor, at: datetime) -> list[ContactView]:
        """How they can be reached, in the order of the ids."""
        ...
