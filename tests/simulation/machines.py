"""What may happen, in any order, and what has to be true after each step and at rest."""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chassis.commands import Commands
from chassis.handling import Permanent, handlers_of
from chassis.messaging.dead_letters import Closed, DeadLetter
from chassis.messaging.failures import DeadLetterLimit, Patience
from chassis.messaging.pipeline import Pipeline
from chassis.messaging.redrive import Redrive
from chassis.messaging.relay import Relay
from chassis.messaging.store import PostgresStore
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.testing.builders import NOON, a_record
from contracts.vocabulary import DeadLetterReason
from tests.chassis.tally import Counted, Handlers, Tally, TallyChanged
from tests.simulation.broker import PARTITIONS, Broker
from tests.simulation.database import Database, DatabaseStore, Lead, Transaction
from tests.simulation.group import Group
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Actor, Fate, Process
from tests.simulation.reference import PATIENCE, Mood, Received, Reference, reference
from tests.simulation.roles import Caller, Consumer, Operator, RelayProcess

T = TypeVar("T")

METRICS = Metrics()
NOTICES = "duaal.tally.dead-letters"
LONG_ENOUGH = 1_000
"""So many rounds, in which everybody takes a step, are enough to come to rest."""
FATES = st.just(Fate.DONE) | st.sampled_from(Fate)
CALLS = st.sampled_from([30, 13, 8, 5, 3, 2, 1, 0])
"""The longest first, because a failure shrinks in this direction: what is short in the end has to be."""
MOODS = st.sampled_from([Mood.FINE, Mood.EXHAUSTING]) | st.sampled_from(Mood)


@dataclass(frozen=True)
class Parts:
    """What the system is made of; a mutant has one broken part."""

    relay: type[Relay] = Relay
    pipeline: type[Pipeline] = Pipeline
    transaction: type[Transaction] = Transaction


@st.composite
def one_of(draw: st.DrawFn, options: Callable[[Any], Sequence[T]]) -> T:
    """One of what the machine has at this moment."""
    some = options(draw(st.runner()))
    return some[draw(st.integers(0, len(some) - 1))]


def key_of(number: int) -> UUID:
    """Keys have short names in the printed schedules."""
    return UUID(int=number)


def step(**arguments: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule; after it, somebody goes on for a while, and its next call goes as `then` says.

    All in one, because hypothesis leaves out some rules in each schedule: whatever it leaves out, time passes.
    """

    def mark(method: Callable[..., None]) -> Callable[..., None]:
        def stepped(self: "Simulation", who: Actor, calls: int, then: Fate, **others: Any) -> None:
            method(self, **others)
            self.go_on(who, calls, then)

        stepped.__name__ = method.__name__
        drawn = {"who": one_of(lambda self: self.actors), "calls": CALLS, "then": FATES, **arguments}
        any_rule: Any = rule  # its overloads do not know strategies that come by name
        made: Callable[..., None] = any_rule(**drawn)(stepped)
        return made

    return mark


class Simulation(RuleBasedStateMachine):
    """Processes around one database: any of them goes on, fails or dies at any of its calls."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self.loop = VirtualLoop()
        self.database = Database()
        self.services: list[Process] = []
        """Those that should always run."""
        self.visitors: list[Process] = []
        """Those that run for one purpose."""

    def store(self, process: Process) -> DatabaseStore:
        """The database, as a process sees it."""
        return DatabaseStore(self.database, process, self.parts.transaction)

    @property
    def processes(self) -> list[Process]:
        """All."""
        return [*self.services, *self.visitors]

    @property
    def actors(self) -> Sequence[Actor]:
        """Everything that can go on."""
        return [*self.services, *(visitor for visitor in self.visitors if visitor.runs)]

    def go_on(self, who: Actor, calls: int, then: Fate) -> None:
        """So many calls work, with rests where there are any, and the next goes so."""
        for _ in range(calls):
            if who.ready:
                who.go()
            else:
                self.loop.pass_time(1)
        if who.ready:
            who.go(then)

    @step()
    def go(self) -> None:
        """Only that."""

    @invariant()
    def promises_are_kept(self) -> None:
        """After every step."""
        self.look()

    def look(self) -> None:
        """What has to be true at any moment."""
        for process in self.processes:
            process.look_for_trouble()

    def teardown(self) -> None:
        """Heal everything, run to the end and look again. Not after a failure: that one is the message."""
        if sys.exc_info()[0] is None:
            self.heal()
            self.come_to_rest()
            self.look_at_rest()
        for process in self.processes:
            process.kill()
        self.loop.close()

    def come_to_rest(self) -> None:
        """Everybody goes on by turns until there is nothing left to do."""
        for _ in range(LONG_ENOUGH):
            if self.at_rest():
                return
            self.everybody_goes_on()
            if not any(actor.ready for actor in self.actors):
                self.loop.pass_time(1)
        raise AssertionError("it does not come to rest")

    def everybody_goes_on(self) -> None:
        """One step each."""
        for actor in self.actors:
            if actor.ready:
                actor.go()

    def heal(self) -> None:
        """From here on nothing goes wrong."""

    def at_rest(self) -> bool:
        """Is there nothing left to do?"""
        return True

    def look_at_rest(self) -> None:
        """What has to be true in the end."""
        self.look()


class RelayMachine(Simulation):
    """Commands leave facts in the outbox; two relays, of which one at most leads, bring them to the broker."""

    TALLIES = (1, 2)

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.broker = Broker()
        self.relays = [RelayProcess(self.loop, f"relay {name}", self._relay) for name in "AB"]
        self.callers = [Caller(self.loop, f"caller {name}", self._commands) for name in "ABC"]
        self.visitors += self.callers
        self.database.aggregates |= {(Tally, id_): Tally(id_, "by hand") for id_ in map(key_of, self.TALLIES)}
        self.services += self.relays

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
        return Commands("tally", handlers_of(Handlers()), store, METRICS, now=lambda: NOON, wake=lambda: None)

    @property
    def idle_callers(self) -> list[Caller]:
        """Who can make a command."""
        return [caller for caller in self.callers if not caller.runs]

    @property
    def actors(self) -> Sequence[Actor]:
        return [*super().actors, *(way for way in self.broker.ways if way.ready)]

    @property
    def running_relays(self) -> list[RelayProcess]:
        """Which relays can be asked to end."""
        return [relay for relay in self.relays if relay.runs]

    @initialize(times=st.tuples(*[st.integers(1, 3)] * 3))
    def callers_begin(self, times: tuple[int, ...]) -> None:
        """There is something to do from the beginning."""
        for number, caller in enumerate(self.callers):
            caller.call(key_of(self.TALLIES[number % 2]), times[number])

    @precondition(lambda self: self.idle_callers)
    @step(caller=one_of(lambda self: self.idle_callers), tally=st.sampled_from(TALLIES), times=st.integers(1, 3))
    def command(self, caller: Caller, tally: int, times: int) -> None:
        """Somebody begins to count one more, perhaps several times."""
        caller.call(key_of(tally), times)

    @precondition(lambda self: self.database.leader)
    @step()
    def lose_the_lead(self) -> None:
        """The leader's session ends, without its knowing."""
        self.database.leader = None

    @precondition(lambda self: self.running_relays)
    @step(relay=one_of(lambda self: self.running_relays))
    def stop(self, relay: RelayProcess) -> None:
        """A relay is asked to end."""
        relay.stop()

    def look(self) -> None:
        super().look()
        self.nothing_is_published_that_was_not_committed()
        self.nothing_that_was_committed_is_lost()
        self.order_is_kept_per_key()

    def nothing_is_published_that_was_not_committed(self) -> None:
        """Facts of transactions that rolled back, or did not end yet, are nowhere in the log."""
        promised = {record[:2]: record for record in self.database.promised}
        for record in self.broker.log:
            assert promised.get(record[:2]) == record, f"{record[:2]} was never committed"

    def nothing_that_was_committed_is_lost(self) -> None:
        """Every promise is in the outbox until it is in the log."""
        kept = {record[:2] for record in (*self.broker.log, *self.database.outbox.values())}
        for record in self.database.promised:
            assert record[:2] in kept, f"{record[:2]} is neither in the outbox nor in the log"

    def order_is_kept_per_key(self) -> None:
        """Who forgets what it has seen already, sees the facts of a key in their order, without a gap."""
        seen: defaultdict[UUID, int] = defaultdict(int)
        for record in self.broker.log:
            key, sequence = record[:2]
            assert sequence <= seen[key] + 1, f"{sequence} of {key} came after {seen[key]}"
            seen[key] = max(sequence, seen[key])

    def at_rest(self) -> bool:
        return super().at_rest() and not self.database.outbox and len(self.idle_callers) == len(self.callers)


class PipelineMachine(Simulation):
    """Records of a topic reach two consumers of one group; what is set aside, a person redrives or discards."""

    KEYS = (4, 5, 6)

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.group = Group(PARTITIONS)
        self.received: list[Received] = []
        self.trouble: dict[int, list[Exception]] = {}
        self.consumers = [Consumer(self.loop, f"consumer {name}", self.group, self._pipeline) for name in "AB"]
        self.operator = Operator(self.loop, "operator", self._redrive)
        self.visitors.append(self.operator)
        for number, consumer in enumerate(self.consumers):
            self.group.assign(number, consumer)
        self.services += self.consumers

    def _pipeline(self, process: Process) -> Pipeline:
        return self.parts.pipeline(
            "tally",
            handlers_of(Handlers(self._handle)),
            self.store(process),
            METRICS,
            now=lambda: NOON,
            patience=Patience(attempts=PATIENCE),
            limit=DeadLetterLimit(in_a_row=1_000),
        )

    def _redrive(self, process: Process) -> Redrive:
        return Redrive(self._pipeline(process), self.store(process), "operator")

    def _handle(self, event: Counted) -> None:
        """What a handler meets: amounts tell the events apart."""
        if trouble := self.trouble.get(event.amount):
            raise trouble.pop()

    @initialize(events=st.lists(st.tuples(st.sampled_from(KEYS), MOODS), max_size=5), batch=st.integers(1, 5))
    def events_wait(self, events: list[tuple[int, Mood]], batch: int) -> None:
        """There is something to do from the beginning."""
        self.group.batch = batch
        for key, mood in events:
            self._receive(key, mood)

    @step(key=st.sampled_from(KEYS), mood=MOODS)
    def receive(self, key: int, mood: Mood) -> None:
        """Somebody publishes an event."""
        self._receive(key, mood)

    def _receive(self, key: int, mood: Mood) -> None:
        tally = key_of(key)
        amount = len(self.received) + 1
        self.trouble[amount] = mood.troubles()
        record = a_record(Counted(tally_id=tally, amount=amount), id_=f"event {amount}")
        self._publish(Received(mood.spoil(record), tally, amount, mood))

    @precondition(lambda self: self.received)
    @step(number=one_of(lambda self: range(len(self.received))))
    def receive_again(self, number: int) -> None:
        """Somebody publishes an event a second time."""
        self._publish(self.received[number])

    def _publish(self, received: Received) -> None:
        partition = received.key.int % PARTITIONS
        records = self.group.partitions[partition].records
        record = replace(received.record, partition=partition, offset=len(records))
        self.received.append(replace(received, record=record))
        records.append(record)

    @step(number=st.integers(0, PARTITIONS - 1))
    def rebalance(self, number: int) -> None:
        """A partition gets another owner, while the old one may still be at work."""
        owner = self.group.partitions[number].owner
        self.group.assign(number, next(one for one in self.consumers if one is not owner))

    @step(number=st.integers(0, PARTITIONS - 1), offset=st.integers(0, 5))
    def replay(self, number: int, offset: int) -> None:
        """The group goes back."""
        self.group.rewind(number, offset)

    @precondition(lambda self: not self.operator.runs and self.database.letters)
    @step(number=one_of(lambda self: range(len(self.database.letters))), discard=st.booleans())
    def operate(self, number: int, discard: bool) -> None:
        """A person begins to deal with a dead letter; only what can never be handled is discarded."""
        letter = [*self.database.letters.values()][number]
        self.operator.act(letter, discard=discard and self._mood_of(letter).hopeless)

    def look(self) -> None:
        super().look()
        self.every_event_counts_once_and_in_order()
        self.every_dead_letter_has_a_cause_and_a_notice()

    def _should_be(self) -> Reference:
        waiting = {letter.record.place for letter in self.database.letters.values()}
        closed = self.database.closed.values()
        return reference(
            self.received, waiting, {letter.record.place for letter, how in closed if how is Closed.DISCARDED}
        )

    def _told(self) -> dict[UUID, list[tuple[int, int]]]:
        """Sequence and total of each fact about each key, in the order of the commits."""
        told: defaultdict[UUID, list[tuple[int, int]]] = defaultdict(list)
        for record in self.database.promised:
            if record.aggregate_id.int in self.KEYS:
                told[record.aggregate_id].append((record.sequence, TallyChanged.from_json(record.value).total))
        return told

    def every_event_counts_once_and_in_order(self) -> None:
        """Each key is somewhere on the way of the reference, and says so in its facts."""
        should_be = self._should_be()
        for key, facts in self._told().items():
            way = list(enumerate(should_be.totals[key], start=1))
            assert facts == way[: len(facts)], f"{key} told {facts} instead of {way}"
            tally = self.database.aggregates[Tally, key]
            assert (tally.version, tally.total) == facts[-1], f"{key} is not what it told"

    def every_dead_letter_has_a_cause_and_a_notice(self) -> None:
        """What can be handled is set aside only behind what cannot, and each letter is announced once."""
        for letter in self.database.letters.values():
            mood = self._mood_of(letter)
            assert letter.reason is DeadLetterReason.BEHIND or mood.may_be_set_aside, f"{mood} record was set aside"
        notices = [record.aggregate_id for record in self.database.promised if record.topic == NOTICES]
        letters = self.database.letters.keys() | self.database.closed.keys()
        assert sorted(notices) == sorted(letters), "letters and notices differ"

    def _mood_of(self, letter: DeadLetter) -> Mood:
        return next(one.mood for one in self.received if one.record == letter.record)

    def heal(self) -> None:
        super().heal()
        for amount, trouble in self.trouble.items():
            self.trouble[amount] = [error for error in trouble if isinstance(error, Permanent)]
        for number, consumer in enumerate(self.consumers):
            self.group.assign(number, consumer)

    def at_rest(self) -> bool:
        return super().at_rest() and all(one.done for one in self.group.partitions) and not self.operator.runs

    def look_at_rest(self) -> None:
        """Nothing is left undone; then everything is tried again, and then the whole topic comes a second time."""
        self._nothing_is_left_undone()
        for letter in [*self.database.letters.values()]:
            self.operator.act(letter, discard=False)
            self.come_to_rest()
        self._nothing_is_left_undone()
        before = len(self.database.promised)
        for number in range(PARTITIONS):
            self.group.rewind(number, 0)
        self.come_to_rest()
        self._nothing_is_left_undone()
        assert self.database.promised[before:] == [], "a replay left facts"
        super().look_at_rest()

    def _nothing_is_left_undone(self) -> None:
        self.look()
        should_be, told = self._should_be(), self._told()
        for key in map(key_of, self.KEYS):
            assert [total for _, total in told[key]] == should_be.totals[key], f"{key} stopped on its way"
        assert should_be.undecided == [], "received, but neither handled nor ignored nor set aside"


class ServiceMachine(RelayMachine, PipelineMachine):
    """Everything at once: what is received on one side is published on the other."""
