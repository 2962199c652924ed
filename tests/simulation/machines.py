"""The rules of the simulation: what may happen in any order, and what has to be true after each step and at rest."""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chassis.commands import Commands
from chassis.execution import Executor, OutboxPublisher
from chassis.failures import RetryPolicy
from chassis.handling import PermanentError, handlers_of
from chassis.messaging.dead_letter_limit import DeadLetterLimit
from chassis.messaging.pipeline import Pipeline
from chassis.messaging.relay import Relay
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.dead_letters import Closed, DeadLetter
from chassis.testing.builders import NOON, a_record
from contracts.vocabulary import DeadLetterReason
from tests.chassis.tally import Begun, Counted, Handlers, Tally, TallyChanged
from tests.simulation.broker import PARTITIONS, Broker, SimulatedProducer
from tests.simulation.database import Database, DatabaseStore, Transaction
from tests.simulation.group import Group
from tests.simulation.leadership import Lead, LeadersOutbox
from tests.simulation.looked_at import LOOKED_AT
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Actor, Fate, Process
from tests.simulation.reference import ATTEMPTS, Mood, Received, Reference, reference
from tests.simulation.roles import Caller, Consumer, FromAnOldList, Operator, RelayProcess

T = TypeVar("T")

METRICS = Metrics()
NOTICES = "duaal.tally.dead-letters"
LONG_ENOUGH = 1_000
"""So many rounds, in each of which every process takes a step, are enough to come to rest."""
RESTS = 31, 5, 1, 1
"""Seconds, last first, by which time moves in one turn when the process waits: together longer than any wait."""
PLACES = 60
"""A number below this picks from any list; 60 has many divisors, so that the choice from a short list is even."""
PLACE = st.integers(0, PLACES - 1)
PACES = [
    (fate, calls)
    for fate in (*[Fate.DONE] * 5, Fate.REFUSED, Fate.UNKNOWN, Fate.NEVER)
    for calls in (30, 13, 8, 5, 3, 2, 1, 0)
]
"""The outcome of the next call, and how many more succeed. The most come first, because failures shrink to those."""
TURNS = st.tuples(*[st.integers(0, PLACES * len(PACES) - 1)] * 3)
"""Which process continues and at which pace, in one number, because drawing takes most of a simulation's time."""
MOODS = st.sampled_from([Mood.FINE, Mood.EXHAUSTING]) | st.sampled_from(Mood)


@dataclass(frozen=True)
class Parts:
    """The parts of the system; a mutant replaces one of them."""

    relay: type[Relay] = Relay
    producer: type[SimulatedProducer] = SimulatedProducer
    lead: type[Lead] = Lead
    outbox: type[LeadersOutbox] = LeadersOutbox
    transaction: type[Transaction] = Transaction
    executor: type[Executor] = Executor
    pipeline: type[Pipeline] = Pipeline

    def __str__(self) -> str:
        return " ".join(part.__name__ for name, part in vars(self).items() if part is not getattr(Parts, name))


def pick(options: Sequence[T], place: int) -> T:
    """One of the options, by a number from `PLACE`."""
    return options[place % len(options)]


def key_of(number: int) -> UUID:
    """A key that is short in the printed schedules."""
    return UUID(int=number)


def step(**arguments: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule that is followed by some turns of processes.

    Both in one rule, because hypothesis leaves out some rules in each schedule, and turns should be in every schedule.
    """

    def mark(method: Callable[..., None]) -> Callable[..., None]:
        def stepped(self: "Simulation", turns: Sequence[int], **others: Any) -> None:
            method(self, **others)
            for turn in turns:
                self.go_on(turn)

        stepped.__name__ = method.__name__
        any_rule: Any = rule  # its overloads do not accept strategies by keyword
        made: Callable[..., None] = any_rule(turns=TURNS, **arguments)(stepped)
        return made

    return mark


class Simulation(RuleBasedStateMachine):
    """Processes around one database: each may continue, fail or die at any of its calls."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self.looked_at = Counter(schedules=1)
        self.loop = VirtualLoop()
        self.database = Database()
        self.services: list[Process] = []
        """Processes that should always run."""
        self.visitors: list[Process] = []
        """Processes that run for one task and then end."""

    def store(self, process: Process) -> DatabaseStore:
        """The store of a process."""
        return DatabaseStore(self.database, process, self.parts.transaction)

    @property
    def processes(self) -> list[Process]:
        """All processes."""
        return [*self.services, *self.visitors]

    @property
    def actors(self) -> Sequence[Actor]:
        """Everything that the schedule may continue."""
        return [*self.services, *(visitor for visitor in self.visitors if visitor.runs)]

    def go_on(self, turn: int) -> None:
        """One turn: a process continues for some calls; time moves while it waits."""
        who, (fate, calls) = pick(self.actors, turn), pick(PACES, turn // PLACES)
        note(f"{who}: one call is {fate}, {calls} more are done")
        self.looked_at["turns"] += 1
        rests = [*RESTS]
        if who.ready:
            self.let(who, fate)
        while calls and (who.ready or rests):
            if who.ready:
                self.let(who)
                calls -= 1
            else:
                self.loop.pass_time(rests.pop())

    def let(self, who: Actor, fate: Fate = Fate.DONE) -> None:
        """Continue with one call, with this outcome."""
        self.looked_at["calls"] += 1
        who.go(fate)

    @step()
    def go(self) -> None:
        """Nothing but some turns."""

    @invariant()
    def promises_are_kept(self) -> None:
        """Checked after every step."""
        self.look()

    def look(self) -> None:
        """Check what has to be true at any moment."""
        for process in self.processes:
            process.look_for_trouble()

    def teardown(self) -> None:
        """Heal everything, run until at rest and check again. Not after a failure, which is reported instead."""
        if sys.exc_info()[0] is None:
            self.heal()
            self.come_to_rest()
            self.look_at_rest()
        LOOKED_AT.update(self.looked_at)
        for process in self.processes:
            process.kill()
        self.loop.close()

    def come_to_rest(self) -> None:
        """All processes continue in turns until nothing is left to do."""
        for _ in range(LONG_ENOUGH):
            if self.at_rest():
                return
            self.everybody_goes_on()
            if not any(actor.ready for actor in self.actors):
                self.loop.pass_time(1)
        raise AssertionError("it does not come to rest")

    def everybody_goes_on(self) -> None:
        """One step of each process."""
        for actor in self.actors:
            if actor.ready:
                self.let(actor)

    def heal(self) -> None:
        """Stop all causes of failures."""

    def at_rest(self) -> bool:
        """Is there nothing left to do?"""
        return True

    def look_at_rest(self) -> None:
        """Check what has to be true at rest."""
        self.look()


class RelayMachine(Simulation):
    """Commands add events to the outbox; two relays, of which at most one leads, publish them."""

    TALLIES = (1, 2, 3)

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.broker = Broker()
        self.relays = [RelayProcess(self.loop, f"relay {name}", self._relay, self._commands) for name in "AB"]
        self.callers = [Caller(self.loop, f"caller {name}", self._commands) for name in "ABC"]
        self.begun = count(100)
        self.visitors += self.callers
        self.database.aggregates |= {(Tally, id_): Tally(id_, "by hand") for id_ in map(key_of, self.TALLIES)}
        self.services += self.relays

    def _relay(self, process: Process) -> Relay:
        return self.parts.relay(
            "tally",
            self.parts.lead(self.database, process, self.parts.outbox),
            lambda: self.broker.connect(process, self.parts.producer),
            METRICS,
            Health(clock=self.loop.time),
            now=self.loop.now,
        )

    def _commands(self, process: Process, publisher: OutboxPublisher | None = None) -> Commands:
        executor = self.parts.executor("tally", self.store(process), now=lambda: NOON, publisher=publisher)
        return Commands("tally", handlers_of(Handlers()), executor, METRICS, now=lambda: NOON)

    @property
    def idle_callers(self) -> list[Caller]:
        """Callers that have no command to execute."""
        return [caller for caller in self.callers if not caller.runs]

    @property
    def actors(self) -> Sequence[Actor]:
        return [*super().actors, *self.broker.ways]

    @property
    def running_relays(self) -> list[RelayProcess]:
        """Relays that can be asked to stop."""
        return [relay for relay in self.relays if relay.runs]

    @property
    def leaders(self) -> list[RelayProcess]:
        """The relay that holds the lock, if it runs."""
        leader = self.database.leader
        return [relay for relay in self.running_relays if leader and leader.life is relay.life]

    @initialize(times=st.tuples(*[st.integers(1, 3)] * 3), bad=st.none() | st.sampled_from(TALLIES))
    def callers_begin(self, times: tuple[int, ...], bad: int | None) -> None:
        """Commands from the start, and perhaps a key whose records the broker always refuses."""
        for caller, tally, some in zip(self.callers, self.TALLIES, times, strict=True):
            caller.call(key_of(tally), some)
        self.broker.never_takes = None if bad is None else key_of(bad)

    @precondition(lambda self: self.idle_callers)
    @step(caller=PLACE, tally=PLACE, times=st.integers(1, 3))
    def command(self, caller: int, tally: int, times: int) -> None:
        """A caller executes one or more commands."""
        known = [id_ for (_, id_), one in self.database.aggregates.items() if one.group == "by hand"]
        pick(self.idle_callers, caller).call(pick(known, tally), times)

    @precondition(lambda self: self.leaders)
    @step(times=st.integers(1, 3))
    def begin_tallies(self, times: int) -> None:
        """Commands that create aggregates, in the process that may publish their events directly."""
        for _ in range(times):
            self.leaders[0].begin_tally(key_of(next(self.begun)))

    @precondition(lambda self: self.database.leader)
    @step()
    def end_the_leaders_session(self) -> None:
        """The leader's session ends; its process does not notice at once."""
        if self.database.leader:
            self.database.leader.cut()

    @precondition(lambda self: self.running_relays)
    @step(relay=PLACE)
    def stop(self, relay: int) -> None:
        """A relay is asked to stop."""
        pick(self.running_relays, relay).stop()

    def look(self) -> None:
        super().look()
        assert not self.database.read_without_lead, "somebody reads who does not lead"
        self.nothing_is_published_that_was_not_committed()
        self.nothing_that_was_committed_is_lost()
        self.order_is_kept_per_key()

    def nothing_is_published_that_was_not_committed(self) -> None:
        """Events of transactions that rolled back, or did not end yet, are not in the log."""
        committed = {record[:2]: record for record in self.database.committed_records}
        for record in self.broker.log:
            assert committed.get(record[:2]) == record, f"{record[:2]} was never committed"

    def nothing_that_was_committed_is_lost(self) -> None:
        """Every committed record is in the outbox until it is in the log."""
        kept = {record[:2] for record in (*self.broker.log, *self.database.outbox.values())}
        for record in self.database.committed_records:
            assert record[:2] in kept, f"{record[:2]} is neither in the outbox nor in the log"

    def order_is_kept_per_key(self) -> None:
        """Without repetitions, the events of a key are in order and without gaps."""
        seen: defaultdict[UUID, int] = defaultdict(int)
        for record in self.broker.log:
            key, sequence = record[:2]
            assert sequence <= seen[key] + 1, f"{sequence} of {key} came after {seen[key]}"
            seen[key] = max(sequence, seen[key])

    def at_rest(self) -> bool:
        waiting = {record.aggregate_id for record in self.database.outbox.values()}
        idle = self.idle_callers == self.callers and not any(relay.busy for relay in self.relays)
        return super().at_rest() and idle and waiting <= {self.broker.never_takes}

    def look_at_rest(self) -> None:
        """All but the refused key was published. Accept that one too, then publish something new."""
        self.broker.never_takes = None
        self.come_to_rest()
        for leader in self.leaders:
            leader.begin_tally(key_of(next(self.begun)))
        self.come_to_rest()
        super().look_at_rest()


class PipelineMachine(Simulation):
    """Two consumers of one group handle the records of a topic; operators redrive or discard dead letters."""

    KEYS = (4, 5, 6)

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.keys = set(map(key_of, self.KEYS))
        self.fresh = count(1_000)
        self.group = Group(PARTITIONS)
        self.received: list[Received] = []
        self.trouble: dict[int, list[Exception]] = {}
        self.consumers = [Consumer(self.loop, f"consumer {name}", self.group, self._pipeline) for name in "AB"]
        self.operators = [Operator(self.loop, f"operator {name}", self._redrive) for name in "AB"]
        self.visitors += self.operators
        for number, consumer in enumerate(self.consumers):
            self.group.assign(number, consumer)
        self.services += self.consumers

    def _pipeline(self, process: Process) -> Pipeline:
        return self.parts.pipeline(
            "tally",
            handlers_of(Handlers(self._handle)),
            self.store(process),
            self.parts.executor("tally", self.store(process), now=lambda: NOON),
            METRICS,
            now=lambda: NOON,
            retry_policy=RetryPolicy(attempts=ATTEMPTS),
            limit=DeadLetterLimit(in_a_row=1_000),
        )

    def _redrive(self, process: Process) -> FromAnOldList:
        return FromAnOldList(self._pipeline(process), self.store(process), process.name)

    def _handle(self, event: Counted | Begun) -> None:
        """Raise the next error of this event, if it has one. Amounts identify the events."""
        if trouble := self.trouble.get(event.amount):
            raise trouble.pop()

    @initialize(events=st.lists(st.tuples(st.sampled_from(KEYS), MOODS), max_size=5), batch=st.integers(1, 5))
    def events_wait(self, events: list[tuple[int, Mood]], batch: int) -> None:
        """Events from the start."""
        self.group.batch = batch
        for key, mood in events:
            self._receive(key, mood)

    @step(key=st.sampled_from(KEYS), mood=MOODS)
    def receive(self, key: int, mood: Mood) -> None:
        """An event is published to the topic."""
        self._receive(key, mood)

    @step(mood=MOODS)
    def receive_new(self, mood: Mood) -> None:
        """An event is published whose handler loads nothing and creates an aggregate."""
        self._receive(next(self.fresh), mood, Begun)

    def _receive(self, key: int, mood: Mood, kind: type[Counted | Begun] = Counted) -> None:
        tally = key_of(key)
        self.keys.add(tally)
        amount = len(self.received) + 1
        self.trouble[amount] = mood.troubles()
        record = a_record(kind(tally_id=tally, amount=amount), id_=f"event {amount}")
        self._publish(Received(mood.spoil(record), tally, amount, mood))

    @precondition(lambda self: self.received)
    @step(place=PLACE)
    def receive_again(self, place: int) -> None:
        """An event is published a second time."""
        self._publish(pick(self.received, place))

    def _publish(self, received: Received) -> None:
        partition = received.key.int % PARTITIONS
        records = self.group.partitions[partition].records
        record = received.record._replace(partition=partition, offset=len(records))
        self.received.append(replace(received, record=record))
        records.append(record)

    @step(number=st.integers(0, PARTITIONS - 1))
    def rebalance(self, number: int) -> None:
        """A partition gets another owner, while the old one may still handle its records."""
        owner = self.group.partitions[number].owner
        self.group.assign(number, next(one for one in self.consumers if one is not owner))

    @step(number=st.integers(0, PARTITIONS - 1), offset=st.integers(0, 5))
    def replay(self, number: int, offset: int) -> None:
        """The group's offset is set back."""
        self.group.rewind(number, offset)

    @property
    def idle_operators(self) -> list[Operator]:
        """Operators that are free."""
        return [operator for operator in self.operators if not operator.runs]

    @precondition(lambda self: self.idle_operators and self.database.letters)
    @step(place=PLACE, discard=st.booleans())
    def operate(self, place: int, discard: bool) -> None:
        """An operator redrives or discards a dead letter; only one that can never be handled is discarded."""
        letter = pick([*self.database.letters.values()], place)
        self.idle_operators[0].act(letter, discard=discard and self._mood_of(letter).hopeless)

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

    def _published_totals(self) -> dict[UUID, list[tuple[int, int]]]:
        """Sequence and total of each event, per key and in the order of the commits."""
        published: defaultdict[UUID, list[tuple[int, int]]] = defaultdict(list)
        for record in self.database.committed_records:
            if record.aggregate_id in self.keys:
                published[record.aggregate_id].append((record.sequence, TallyChanged.from_json(record.value).total))
        return published

    def every_event_counts_once_and_in_order(self) -> None:
        """The events and the state of each key are a beginning of what the reference expects."""
        should_be = self._should_be()
        for key, published in self._published_totals().items():
            expected = list(enumerate(should_be.totals[key], start=1))
            assert published == expected[: len(published)], f"{key} published {published} instead of {expected}"
            tally = self.database.aggregates[Tally, key]
            assert (tally.version, tally.total) == published[-1], f"{key} is not what it published"

    def every_dead_letter_has_a_cause_and_a_notice(self) -> None:
        """Only a bad record, or one that waits behind a dead letter, is set aside; each has exactly one notice."""
        for letter in self.database.letters.values():
            mood = self._mood_of(letter)
            assert letter.reason is DeadLetterReason.BEHIND or mood.may_be_set_aside, f"{mood} record was set aside"
        notices = [record.aggregate_id for record in self.database.committed_records if record.topic == NOTICES]
        letters = self.database.letters.keys() | self.database.closed.keys()
        assert sorted(notices) == sorted(letters), "letters and notices differ"

    def _received(self, letter: DeadLetter) -> Received:
        return next(one for one in self.received if one.record == letter.record)

    def _mood_of(self, letter: DeadLetter) -> Mood:
        return self._received(letter).mood

    def heal(self) -> None:
        super().heal()
        for amount, trouble in self.trouble.items():
            self.trouble[amount] = [error for error in trouble if isinstance(error, PermanentError)]
        for number, consumer in enumerate(self.consumers):
            self.group.assign(number, consumer)

    def at_rest(self) -> bool:
        consumed = all(one.done for one in self.group.partitions)
        return super().at_rest() and consumed and self.idle_operators == self.operators

    def look_at_rest(self) -> None:
        """Everything is decided. Redrive every dead letter, check again, deliver the whole topic again, check again."""
        self._nothing_is_left_undone()
        for letter in [*self.database.letters.values()]:
            self.operators[0].act(letter, discard=False)
            self.come_to_rest()
        self._nothing_is_left_undone()
        before = len(self.database.committed_records)
        for number in range(PARTITIONS):
            self.group.rewind(number, 0)
        self.come_to_rest()
        self._nothing_is_left_undone()
        assert self.database.committed_records[before:] == [], "a replay published events"
        super().look_at_rest()

    def _nothing_is_left_undone(self) -> None:
        self.look()
        should_be, published = self._should_be(), self._published_totals()
        for key in self.keys:
            assert [total for _, total in published[key]] == should_be.totals[key], f"{key} did not get to the end"
        assert should_be.undecided == [], "received, but neither handled nor ignored nor set aside"


class ServiceMachine(RelayMachine, PipelineMachine):
    """Relay and pipeline together: the events of handled records are published."""
