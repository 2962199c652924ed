"""A service, put together: what it handles, what it keeps, what it offers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from chassis.commands import Commands
from chassis.handling import Handler
from chassis.outbound_actions import OutboundAction
from chassis.partner_gateway import PartnerGateway
from chassis.persistence.connection import Pool
from chassis.persistence.mapper import Mapper
from chassis.persistence.repository import Repository
from chassis.projections import Projection, handlers_with
from chassis.schedules import Schedule, check
from chassis.topics import consumed_by


@dataclass(frozen=True)
class Service:
    """One bounded context. `process.py` runs it.

    Raises:
        InvalidSchedule: two schedules have the same name, or nobody handles the message of one.
    """

    name: str
    handlers: object
    mappers: Sequence[Mapper[Any]]
    migrations: Path
    projections: Sequence[Projection[Any]] = ()
    """Its read models; the table of each has a mapper too."""
    routes: Callable[[Commands, Pool], APIRouter] | None = None
    outbound_actions: Sequence[OutboundAction] = ()
    schedules: Sequence[Schedule] = ()
    partner_gateway: PartnerGateway | None = None
    """Checks what partners write to their own topics."""
    given_up: Mapping[str, str] = field(default_factory=dict)
    """Its tables with rows that are deleted like closed dead letters: which ones, in SQL; $1 is their age."""

    def __post_init__(self) -> None:
        check(self.schedules, self.handlers_by_message)

    @property
    def handlers_by_message(self) -> dict[type[Any], Handler]:
        """What it does about each type of message, projections included."""
        return handlers_with(self.handlers, self.projections)

    @property
    def repositories(self) -> list[Repository[Any]]:
        """One per table."""
        return [Repository(mapper) for mapper in self.mappers]

    @property
    def topics(self) -> list[str]:
        """Everything that it consumes."""
        return [*consumed_by(self.name), *(self.partner_gateway.topics if self.partner_gateway else ())]
