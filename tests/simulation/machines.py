"""What may happen, in any order, and what has to be true after each step and at rest."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import repeat
from typing import Any, TypeVar, cast
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chassis.commands import Commands
from chassis.handling import Permanent, Transient, handlers_of
from chassis.messaging.dead_letters import Closed, DeadLetter
from chassis.messaging.failures import DeadLetterLimit, Patience
from chassis.messaging.outbox import OutboxRecord
from chassis.messaging.pipeline import Pipeline
from chassis.messaging.record import Record
from chassis.messaging.redrive import Redrive
from chassis.messaging.relay import Relay
from chassis.messaging.store import PostgresStore
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.testing.builders import NOON, a_record
from tests.builders import a_question
from tests.chassis.tally import Counted, Handlers, Tally, TallyChanged
from tests.simulation.broker import Broker, SimulatedProducer, partition_of
from tests.simulation.database import Database, DatabaseStore, Lead, Transaction
from tests.simulation.group import Group, Partition
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Fate, Process
from tests.simulation.roles import Caller, Consumer, Operator, RelayProcess

T = TypeVar("T")

METRICS = Metrics()
LONG_ENOUGH = 1_000
"""So many rounds, in which everybody takes a step, are enough to come to rest."""
FATES = st.sampled_from(Fate)
MISHAPS = st.sampled_from([Fate.REFUSED, Fate.UNKNOWN])


@dataclass(frozen=True)
class Parts:
    """What the system is made of; a mutant has one broken part."""

    relay: type[Relay] = Relay
    pipeline: type[Pipeline] = Pipeline
    transaction: type[Transaction] = Transaction


def one_of(options: Callable[[Any], Sequence[T]]) -> st.SearchStrategy[T]:
    """One of what the machine has at this moment."""
    return st.runner().flatmap(lambda machine: st.sampled_from(options(machine)))


class Simulation(RuleBasedStateMachine):
    """Processes around one database: any of them goes on, fails or dies at any of its calls."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self.loop = VirtualLoop()
        self.database = Database()
        self.processes: list[Process] = []

    def store(self, process: Process) -> DatabaseStore:
        """The database, as a process sees it."""
        return DatabaseStore(self.database, process, self.parts.transaction)

    @property
    def calling(self) -> list[Process]:
        """Who waits for the outcome of a call."""
        return [process for process in self.processes if process.calls]

    @property
    def running(self) -> list[Process]:
        """Who can be killed."""
        return [process for process in self.processes if process.runs]

    @precondition(lambda self: self.calling)
    @rule(who=one_of(lambda self: self.calling), calls=st.integers(1, 10))
    def go(self, who: Process, calls: int) -> None:
        """One process runs for a while."""
        for _ in range(calls):
            if who.calls:
                who.go()

    @precondition(lambda self: self.calling)
    @rule(who=one_of(lambda self: self.calling), fate=MISHAPS)
    def fail(self, who: Process, fate: Fate) -> None:
        """A call goes wrong."""
        who.go(fate)

    @precondition(lambda self: self.running)
    @rule(who=one_of(lambda self: self.running))
    def kill(self, who: Process) -> None:
        """A process dies."""
        who.kill()

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 31.0]))
    def pass_time(self, seconds: float) -> None:
        """Nothing is done for a while."""
        self.loop.pass_time(seconds)

    @invariant()
    def nobody_died_by_itself(self) -> None:
        """What a process cannot handle would end it."""
        for process in self.processes:
            process.look_for_trouble()

    def teardown(self) -> None:
        """Heal everything, run to the end and look again. Not after a failure: that one is the message."""
        if sys.exc_info()[0] is None:
            self.heal()
            self.come_to_rest()
            self.look_at_rest()
        self.loop.close()

    def come_to_rest(self) -> None:
        """Everybody goes on by turns until there is nothing left to do."""
        for _ in range(LONG_ENOUGH):
            if self.at_rest():
                return
            self.everybody_goes_on()
            if not self.calling:
                self.loop.pass_time(1)
        raise AssertionError("it does not come to rest")

    def everybody_goes_on(self) -> None:
        """One step each."""
        for process in self.calling:
            process.go()

    def heal(self) -> None:
        """From here on nothing goes wrong."""

    def at_rest(self) -> bool:
        """Is there nothing left to do?"""
        return True

    def look_at_rest(self) -> None:
        """What has to be true in the end."""
        self.nobody_died_by_itself()


class RelayMachine(Simulation):
    """Commands leave facts in the outbox; two relays, of which one at most leads, bring them to the broker."""

    TALLIES = (UUID(int=1), UUID(int=2), UUID(int=3))

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.broker = Broker()
        self.relays = [RelayProcess(self.loop, f"relay {name}", self._relay) for name in "AB"]
        self.callers = [Caller(self.loop, f"caller {name}", self._commands) for name in "ABC"]
        self.processes += [*self.relays, *self.callers]
        self.database.aggregates |= {(Tally, id_): Tally(id_, "by hand") for id_ in self.TALLIES}
        for relay in self.relays:
            relay.start()

    def _relay(self, process: Process) -> Relay:
        return self.parts.relay(
            "tally",
            self.store(process),
            Lead(self.database, process),
            lambda: self.broker.connect(process),
            METRICS,
            Health(clock=self.loop.time),
            clock=self.loop.time,
        )

    def _commands(self, process: Process) -> Commands:
        store = cast(PostgresStore, self.store(process))
        return Commands("tally", handlers_of(Handlers()), store, now=lambda: NOON, wake=lambda: None)

    @property
    def idle_callers(self) -> list[Caller]:
        """Who can make a command."""
        return [caller for caller in self.callers if not caller.runs]

    @precondition(lambda self: self.idle_callers)
    @rule(who=one_of(lambda self: self.idle_callers), tally=st.sampled_from(TALLIES))
    def command(self, who: Caller, tally: UUID) -> None:
        """Somebody begins to count one more."""
        who.call(tally)

    @precondition(lambda self: self.broker.under_way)
    @rule(where=one_of(lambda self: self.broker.under_way), fate=FATES)
    def arrive(self, where: tuple[SimulatedProducer, int], fate: Fate) -> None:
        """The broker gets the oldest send of a producer and a partition."""
        producer, partition = where
        producer.arrive(partition, fate)
        self.loop.settle()

    @precondition(lambda self: self.database.leader)
    @rule()
    def lose_the_lead(self) -> None:
        """The leader's session ends, without its knowing."""
        self.database.leader = None

    @rule(who=one_of(lambda self: self.relays))
    def start_or_stop(self, who: RelayProcess) -> None:
        """A relay comes up again, or is asked to end."""
        if who.runs:
            who.stop()
        else:
            who.start()

    @invariant()
    def nothing_is_published_that_was_not_committed(self) -> None:
        """Facts of transactions that rolled back, or did not end yet, are nowhere in the log."""
        promised = {record[:2]: record for record in self.database.promised}
        for record in self.broker.log:
            assert promised.get(record[:2]) == record, f"{record[:2]} was never committed"

    @invariant()
    def nothing_that_was_committed_is_lost(self) -> None:
        """Every promise is in the outbox until it is in the log."""
        kept = {record[:2] for record in (*self.broker.log, *self.database.outbox.values())}
        for record in self.database.promised:
            assert record[:2] in kept, f"{record[:2]} is neither in the outbox nor in the log"

    @invariant()
    def order_is_kept_per_key(self) -> None:
        """Who forgets what it has seen already, sees the facts of a key in their order, without a gap."""
        seen: defaultdict[UUID, int] = defaultdict(int)
        for record in self.broker.log:
            key, sequence = record[:2]
            assert sequence <= seen[key] + 1, f"{sequence} of {key} came after {seen[key]}"
            seen[key] = max(sequence, seen[key])

    def heal(self) -> None:
        super().heal()
        for relay in self.relays:
            if not relay.runs:
                relay.start()

    def everybody_goes_on(self) -> None:
        super().everybody_goes_on()
        for producer, partition in self.broker.under_way:
            producer.arrive(partition, Fate.DONE)
        self.loop.settle()

    def at_rest(self) -> bool:
        return super().at_rest() and not self.database.outbox and len(self.idle_callers) == len(self.callers)

    def look_at_rest(self) -> None:
        super().look_at_rest()
        self.nothing_is_published_that_was_not_committed()
        self.nothing_that_was_committed_is_lost()
        self.order_is_kept_per_key()


class Mood(StrEnum):
    """What is wrong with a record, or with the handler when it gets it."""

    FINE = "fine"
    SHAKY = "shaky"
    """the handler fails once, in a way that passes"""
    EXHAUSTING = "exhausting"
    """the handler fails more often than anybody's patience lasts; a redrive may work"""
    STRANDED = "stranded"
    """something that the handler needs is down for a while"""
    REFUSED = "refused"
    """the handler never takes it"""
    INVALID_DATA = "invalid data"
    INVALID_ENVELOPE = "invalid envelope"
    UNKNOWN_TYPE = "unknown type"


PATIENCE = Patience(attempts=2)
PASSING_TROUBLE: dict[Mood, list[Exception]] = {
    Mood.SHAKY: [Transient("busy")],
    Mood.EXHAUSTING: [Transient("busy")] * 4,
    Mood.STRANDED: [OSError("down")] * 2,
}
MAY_BE_SET_ASIDE = {Mood.SHAKY, Mood.EXHAUSTING, Mood.REFUSED, Mood.INVALID_DATA, Mood.INVALID_ENVELOPE}


class Reference:
    """What should be: every distinct event once, in order, but none from the first open dead letter of its key on."""

    def __init__(self, records: Sequence[Record], letters: Sequence[DeadLetter], closed: dict[UUID, Closed]) -> None:
        self.totals: dict[bytes, list[int]] = defaultdict(list)
"""Per key, each total that has to be told."""
