"""Whose fault an error is: a table beside PostgreSQL's own list, and what follows for records."""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.failures import SQLSTATES, Fault, HandlersFailed, Retry, RetryPolicy, SetAside, fault_of, was_rolled_back
from chassis.handling import PermanentError, Refused, TransientError
from chassis.messaging.pipeline import Paused
from chassis.persistence.connection import Pool
from chassis.persistence.store import PostgresStore, PostgresTransaction
from chassis.record import Outcome
from chassis.testing.builders import a_record
from contracts.vocabulary import DeadLetterReason
from tests.chassis.conftest import Rig
from tests.chassis.tally import Begun, a_count

HANDLED, DEAD_LETTERED = Outcome.HANDLED, Outcome.DEAD_LETTERED
IMPATIENT = RetryPolicy(attempts=2, first=0, longest=0)


def sql_error(code: str, message: str = "because") -> asyncpg.PostgresError:
    """An error as PostgreSQL reports it."""
    return asyncpg.PostgresError.new({"C": code, "M": message})


def test_every_class_of_postgresql_is_in_the_table() -> None:
    codes = [getattr(error, "sqlstate", None) for error in vars(asyncpg.exceptions).values() if inspect.isclass(error)]
    assert {code[:2] for code in codes if code} | {"00"} == {code for code in SQLSTATES if len(code) == 2}


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (sql_error("08006"), Fault.DEPENDENCY),
        (sql_error("53300"), Fault.DEPENDENCY),
        (sql_error("57P01"), Fault.DEPENDENCY),
        (sql_error("57014"), Fault.DEPENDENCY),
        (sql_error("58030"), Fault.DEPENDENCY),
        (sql_error("XX001"), Fault.DEPENDENCY),
        (sql_error("3D000"), Fault.DEPENDENCY),
        (sql_error("25006"), Fault.DEPENDENCY),
        (sql_error("40P01"), Fault.CONTENTION),
        (sql_error("40001"), Fault.CONTENTION),
        (sql_error("55P03"), Fault.CONTENTION),
        (sql_error("0A000", "cached plan must not change result type"), Fault.CONTENTION),
        (sql_error("23505"), Fault.CONFLICT),
        (sql_error("23514"), Fault.MESSAGE),
        (sql_error("22003"), Fault.MESSAGE),
        (sql_error("42P01"), Fault.UNKNOWN),
        (sql_error("42501"), Fault.UNKNOWN),
        (sql_error("P0001"), Fault.UNKNOWN),
        (sql_error("ZZ999"), Fault.UNKNOWN),
        (ConnectionResetError(), Fault.DEPENDENCY),
        (TimeoutError(), Fault.DEPENDENCY),
        (asyncpg.InterfaceError("the pool is closed"), Fault.DEPENDENCY),
        (TransientError("busy"), Fault.CONFLICT),
        (Refused("amount", "Nee."), Fault.MESSAGE),
        (KeyError("of nobody knows what"), Fault.UNKNOWN),
        (HandlersFailed({1: KeyError("of a handler")}), Fault.MESSAGE),
        (HandlersFailed({1: TransientError("busy")}), Fault.CONFLICT),
        (HandlersFailed({1: OSError("down")}), Fault.DEPENDENCY),
    ],
    ids=lambda value: getattr(value, "sqlstate", None) or type(value).__name__,
)
def test_each_error_has_its_fault(error: Exception, fault: Fault) -> None:
    assert fault_of(error) is fault


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (sql_error("23505"), True),
        (sql_error("40P01"), True),
        (sql_error("42P01"), True),
        (sql_error("58030"), False),
        (sql_error("57P01"), False),
        (ConnectionResetError(), False),
        (PermanentError("no"), True),
    ],
    ids=lambda value: getattr(value, "sqlstate", None) or type(value).__name__,
)
def test_it_is_known_when_nothing_can_have_been_committed(error: Exception, certain: bool) -> None:
    assert was_rolled_back(error) is certain


def test_what_another_transaction_is_in_the_way_of_is_never_set_aside() -> None:
    decisions = [IMPATIENT.decide(sql_error("40P01"), attempts) for attempts in (1, 2, 100)]
    assert isinstance(decisions[0], Retry)
    assert not any(isinstance(decision, SetAside) for decision in decisions)


class Sabotaged:
    """A store on which every transaction with some of the messages fails in the database."""

    def __init__(self, store: PostgresStore, error: Callable[[], Exception | None]) -> None:
        self._store = store
        self._error = error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._store.transaction() as transaction:
            yield transaction
            if error := self._error():
                raise error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def deliver_until_decided(rig: Rig, *records: Any) -> list[Outcome]:
    """As the consumer does: what is paused is delivered again."""
    for _ in range(20):
        try:
            return await rig.deliver(*records)
        except Paused:
            continue
    raise AssertionError("it pauses for ever")


@pytest.mark.parametrize("code", ["58030", "42P01", "42501", "53100", "40001", "0A000", "XX000"])
async def test_trouble_of_the_database_that_ends_makes_no_dead_letter(postgres: PostgresStore, code: str) -> None:
    left = [12]

    def trouble() -> Exception | None:
        left[0] -= 1
        return sql_error(code) if left[0] > 0 else None

    rig = Rig(Sabotaged(postgres, trouble), retry_policy=IMPATIENT)
    records = [a_record(a_count(amount=number)) for number in range(1, 4)]
    outcomes = await deliver_until_decided(rig, *records)
    assert DEAD_LETTERED not in outcomes
    assert await rig.letters() == []
    assert len(await rig.outbox()) == 3


async def test_a_table_that_is_away_for_a_while_costs_no_record(postgres: PostgresStore, pool: Pool) -> None:
    rig = Rig(postgres, retry_policy=IMPATIENT)
    records = [a_record(a_count(amount=number)) for number in range(1, 7)]
    await pool.execute("alter table tallies rename to elsewhere")
    for _ in range(5):
        with pytest.raises(Paused):
            await rig.deliver(*records)
    await pool.execute("alter table elsewhere rename to tallies")
    assert await rig.deliver(*records) == [HANDLED] * 6
    assert await rig.letters() == []


async def test_a_column_that_changes_its_type_while_we_run_costs_no_record(postgres: PostgresStore, pool: Pool) -> None:
    rig, tally = Rig(postgres), uuid4()
    await rig.deliver(a_record(a_count(tally)))
    await pool.execute('alter table tallies alter column "group" type varchar(80)')
    try:
        assert await deliver_until_decided(rig, a_record(a_count(tally))) == [HANDLED]
        assert await rig.total(tally) == 2
    finally:
        await pool.execute('alter table tallies alter column "group" type text')


@pytest.mark.parametrize("bad_first", [True, False])
async def test_what_alone_fails_while_others_of_its_kind_succeed_is_set_aside(
    postgres: PostgresStore, pool: Pool, bad_first: bool
) -> None:
    bad, good = a_record(a_count(amount=666)), [a_record(a_count()) for _ in range(3)]
    records = [bad, *good] if bad_first else [*good, bad]
    await pool.execute(
        "create function no_666() returns trigger language plpgsql as "
        "$$begin if new.total = 666 then raise exception 'not this one'; end if; return new; end$$"
    )
    await pool.execute("create trigger no_666 before insert on tallies for each row execute function no_666()")
    try:
        rig = Rig(postgres, retry_policy=IMPATIENT)
        if not bad_first:
            # Others succeeded before it failed, and so far none after that.
            with pytest.raises(Paused):
                await rig.deliver(*records)
            records.append(a_record(a_count()))
        outcomes = await deliver_until_decided(rig, *records)
        assert outcomes[records.index(bad)] is DEAD_LETTERED
        (letter,) = await rig.letters()
        assert (letter.reason, letter.detail) == (DeadLetterReason.EXHAUSTED, "RaiseError (SQLSTATE P0001)")
        assert [await rig.total(count_of(record)) for record in good] == [1, 1, 1]
    finally:
        await pool.execute("drop trigger no_666 on tallies")
        await pool.execute("drop function no_666")


def count_of(record: Any) -> Any:
    """The tally that a record counts."""
    return UUID(record.key.decode())


async def test_what_fails_for_everybody_of_a_kind_waits_while_other_kinds_go_on(
    postgres: PostgresStore, pool: Pool
) -> None:
    await pool.execute(
        "create function nothing_below_100() returns trigger language plpgsql as "
        "$$begin if new.total < 100 then raise exception 'none of these'; end if; return new; end$$"
    )
    await pool.execute(
        "create trigger below_100 before insert on tallies for each row execute function nothing_below_100()"
    )
    counts = [a_record(a_count()) for _ in range(2)]
    begun = a_record(Begun(tally_id=uuid4(), amount=500))
    rig = Rig(postgres, retry_policy=IMPATIENT)
    try:
        for _ in range(3):
            with pytest.raises(Paused):
                await rig.deliver(*counts, begun)
    finally:
        await pool.execute("drop trigger below_100 on tallies")
        await pool.execute("drop function nothing_below_100")
    assert await rig.letters() == []
    assert await rig.deliver(*counts, begun) == [HANDLED, HANDLED, Outcome.DUPLICATE]
