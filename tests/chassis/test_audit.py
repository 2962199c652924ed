"""Every change that somebody asks for leaves one row per aggregate that it changed, in the same transaction."""

import asyncio
from uuid import UUID, uuid4

import pytest

from chassis.actors import PLATFORM, PUBLIC, Actor, UserRole, Way
from chassis.commands import Commands
from chassis.execution import Executor
from chassis.handling import Refused, handlers_of
from chassis.observability.metrics import Metrics
from chassis.persistence.audit import AuditRow
from chassis.persistence.store import Store
from chassis.testing.builders import NOON, a_record
from tests.chassis.conftest import Rig
from tests.chassis.tally import Begin, Count, Handlers, Total, a_count

ELS = Actor("sub-els", Way.PAGE, frozenset({UserRole.OPERATOR, UserRole.READER}))


def commands_of(store: Store) -> Commands:
    executor = Executor("tally", store, now=lambda: NOON)
    return Commands("tally", handlers_of(Handlers()), executor, Metrics(), now=lambda: NOON)


async def audit(store: Store, *about: UUID) -> list[AuditRow]:
    async with store.transaction() as transaction:
        return await transaction.audit.about(about)


async def test_a_change_says_who_did_what_about_whom_and_when(store: Store) -> None:
    id_ = uuid4()
    commands = commands_of(store)
    await commands.execute(Begin(tally_id=id_, amount=1), Total, actor=PUBLIC)
    await commands.execute(Count(tally_id=id_, amount=1), Total, actor=ELS)
    assert await audit(store, id_) == [
        AuditRow(NOON, "sub-els", "page", "operator reader", None, "Count", id_),
        AuditRow(NOON, "public", "public", "", None, "Begin", id_),
    ]


async def test_a_repeated_command_is_one_row(store: Store) -> None:
    id_ = uuid4()
    commands = commands_of(store)
    for _ in range(2):
        await commands.execute(Begin(tally_id=id_, amount=1), Total, "the-key-of-els", actor=ELS)
    assert len(await audit(store, id_)) == 1


async def test_what_changed_nothing_leaves_no_row(store: Store) -> None:
    id_ = uuid4()
    commands = commands_of(store)
    await commands.execute(Begin(tally_id=id_, amount=1), Total, actor=PLATFORM)
    with pytest.raises(Refused):
        await commands.execute(Count(tally_id=id_, amount=-1), Total, actor=ELS)
    assert await audit(store, id_) == []


async def test_events_leave_no_row(store: Store) -> None:
    id_ = uuid4()
    await Rig(store).deliver(a_record(a_count(id_)))
    assert await audit(store, id_) == []


async def test_two_commands_of_one_batch_have_a_row_each(store: Store) -> None:
    id_, other = uuid4(), uuid4()
    commands = commands_of(store)
    await commands.execute(Begin(tally_id=id_, amount=1), Total)
    await asyncio.gather(
        commands.execute(Count(tally_id=id_, amount=1), Total, actor=ELS),
        commands.execute(Count(tally_id=id_, amount=1), Total, actor=PUBLIC),
        commands.execute(Begin(tally_id=other, amount=1), Total, actor=PUBLIC),
    )
    assert sorted(row.actor for row in await audit(store, id_)) == ["public", "sub-els"]
    assert [row.actor for row in await audit(store, other)] == ["public"]


async def test_nobody_gets_the_answer_of_another_by_guessing_a_key(store: Store) -> None:
    commands = commands_of(store)
    first = await commands.execute(Begin(tally_id=uuid4(), amount=1), Total, "one-key-for-two", actor=ELS)
    second = await commands.execute(Begin(tally_id=uuid4(), amount=2), Total, "one-key-for-two", actor=PUBLIC)
    assert (first.total, second.total) == (1, 2)
