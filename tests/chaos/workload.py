"""The service under test: a ledger with one aggregate and two handlers, run by the chassis as in production.

`python -m tests.chaos.workload run`. Every trial has a separate ledger: the name of the service is a setting, and
topics, group and database follow from it.
"""

import os
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict

from chassis.cli import command_line
from chassis.commands import Commands
from chassis.handling import MessageContext, PermanentError, handles
from chassis.http import IdempotencyKey, json_only
from chassis.persistence.connection import Pool
from chassis.persistence.mapper import Mapper
from chassis.service import Service
from chassis.settings import Settings
from chassis.topics import TOPICS, Topic
from chassis.unit_of_work import UnitOfWork
from contracts.event import Event, event
from tests.chaos import sabotage

PARTITIONS = 6


@event("be.duaalwest.ledger.Deposited.v1", topic="duaal.<service>.deposits", key="account_id")
class Deposited(Event):
    """Money came in. `number` counts the deposits of one account in the order in which they were sent."""

    account_id: UUID
    number: int
    amount: int
    disputed: bool = False


@event("be.duaalwest.ledger.Opened.v1", topic="duaal.<service>.deposits", key="account_id")
class Opened(Event):
    """The first deposit on a new account: its handler loads nothing."""

    account_id: UUID
    number: int = 1
    amount: int


@event("be.duaalwest.ledger.BalanceChanged.v1", topic="duaal.<service>.accounts", key="account_id")
class BalanceChanged(Event):
    """The balance of an account after the deposit with this number."""

    account_id: UUID
    number: int
    balance: int


class Inquiry(BaseModel):
    """Somebody asks over HTTP what is in an account, and waits for the answer."""

    account_id: UUID


class Balance(BaseModel):
    """What was in the account when it was asked for."""

    balance: int


class LedgerSettings(Settings):
    """`LEDGER_*`."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_")

    name: str
    seconds_per_deposit: float = 0
    """How long the handler takes for one deposit."""
    refuses_disputed: bool = False
    """A bug that a cell switches on and off."""


@dataclass
class Account:
    """An account with the sum of its deposits."""

    id: UUID
    balance: int = 0
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def deposit(self, number: int, amount: int) -> None:
        """Add the amount, and publish the new balance."""
        self.balance += amount
        self.pending_events.append(BalanceChanged(account_id=self.id, number=number, balance=self.balance))


@dataclass
class Handlers:
    """One handler loads, changes and publishes; another only creates and publishes; the third answers a command."""

    work: partial[None]
    refuses_disputed: bool

    @handles(Deposited, loads={Account: "account_id"})
    def book(self, deposit: Deposited, uow: UnitOfWork, _: MessageContext) -> None:
        """Add a deposit; the first one opens the account."""
        self.work()
        account = uow.find(Account, deposit.account_id)
        if account is None:
            account = Account(deposit.account_id)
            uow.add(account)
        account.deposit(deposit.number, deposit.amount)
        if deposit.disputed and self.refuses_disputed:
            raise PermanentError("disputed")

    @handles(Opened)
    def open(self, deposit: Opened, uow: UnitOfWork, _: MessageContext) -> None:
        """Open a new account, without loading anything."""
        self.work()
        account = Account(deposit.account_id)
        uow.add(account)
        account.deposit(deposit.number, deposit.amount)

    @handles(Inquiry, loads={Account: "account_id"})
    def inquire(self, inquiry: Inquiry, uow: UnitOfWork, _: MessageContext) -> Balance:
        """Answer what is in the account."""
        self.work()
        account = uow.find(Account, inquiry.account_id)
        return Balance(balance=account.balance if account else 0)


ACCOUNTS = Mapper(Account, "accounts")
MIGRATIONS = Path(__file__).parent / "migrations"


def manifests(service: str) -> dict[str, Topic]:
    """The topics of one ledger."""
    return {
        topic.name: topic
        for topic in (
            _topic(f"duaal.{service}.deposits", service, "account_id", consumed=True),
            _topic(f"duaal.{service}.accounts", service, "account_id"),
            _topic(f"duaal.{service}.dead-letters", service, "dead_letter_id"),
        )
    }


def _topic(name: str, service: str, key: str, *, consumed: bool = False) -> Topic:
    return Topic(
        name=name,
        description="Only in tests.",
        owner=service,
        producers=(service,),
        consumers=(service,) if consumed else (),
        key=key,
        partitions=PARTITIONS,
        retention_days=1,
        data_class="internal",
    )


def inquiries(commands: Commands, _: Pool) -> APIRouter:
    """The ledger over HTTP."""
    router = APIRouter(dependencies=[Depends(json_only)])

    @router.post("/inquiries")
    async def inquire(inquiry: Inquiry, key: IdempotencyKey = None) -> Balance:
        return await commands.execute(inquiry, Balance, key)

    return router


def build(settings: LedgerSettings) -> Service:
    """The service, ready to run."""
    TOPICS.update(manifests(settings.name))
    work = partial(time.sleep, settings.seconds_per_deposit)
    return Service(
        name=settings.name,
        handlers=Handlers(work, settings.refuses_disputed),
        mappers=[ACCOUNTS],
        migrations=MIGRATIONS,
        routes=inquiries,
    )


if __name__ == "__main__":
    if name := os.environ.get("DUAAL_SABOTAGE"):
        sabotage.apply(name)
    command_line(LedgerSettings, build)()
