"""The matrix: each cell is one fault, done to a running ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import get_args

from chassis.crash_points import Point
from chassis.testing.eventually import eventually
from tests.chaos.callers import Callers
from tests.chaos.trial import Trial

Act = Callable[[Trial], Awaitable[None]]

HOLDS_LOCKS: set[Point] = {"after inbox insert", "after handler", "before database commit"}
"""A process that is stopped here may hold row locks, so that no other can handle the same records meanwhile."""
ZOMBIES: tuple[Point, ...] = ("after receive", "after inbox insert", "before database commit", "before offset commit")
CUTS = 12


@dataclass(frozen=True)
class Cell:
    """One fault. `calm`: no publishing process dies or loses a server, so no event may be published twice."""

    name: str
    act: Act
    calm: bool = False
    brokers: int = 1


CELLS: dict[str, Cell] = {}


def cell(*, calm: bool = False, brokers: int = 1) -> Callable[[Act], Act]:
    """Add a cell, under the name of its function."""

    def add(act: Act) -> Act:
        name = getattr(act, "__name__", "").replace("_", "-")
        CELLS[name] = Cell(name, act, calm, brokers)
        return act

    return add


def killed(point: Point) -> Act:
    """SIGKILL at this crash point; another process takes over."""

    async def act(trial: Trial) -> None:
        await trial.send(trial.traffic.deposits(300))
        victim = await trial.start(crash_at=(point, trial.traffic.chance.randint(1, 4)))
        await victim.died_there()
        await trial.look_while_down()
        await trial.send(trial.traffic.deposits(300))
        await trial.start()

    return act


def zombie(point: Point) -> Act:
    """SIGSTOP at this crash point until the session expired and another process has the partitions; then SIGCONT."""

    async def act(trial: Trial) -> None:
        await trial.send(trial.traffic.deposits(300))
        sleeper = await trial.start(stop_at=(point, trial.traffic.chance.randint(1, 4)))
        await sleeper.stopped_there()
        # The second process becomes ready when it has the partitions, so after the group removed the stopped one.
        await trial.start()
        await trial.send(trial.traffic.deposits(300))
        if point not in HOLDS_LOCKS:
            await trial.handled(600)
        sleeper.resume()

    return act


for _point in get_args(Point):
    if _point not in ("during graceful shutdown", "during redrive"):
        _name = f"kill-{_point.replace(' ', '-')}"
        CELLS[_name] = Cell(_name, killed(_point))
for _point in ZOMBIES:
    _name = f"zombie-{_point.replace(' ', '-')}"
    CELLS[_name] = Cell(_name, zombie(_point))


@cell()
async def kill_during_graceful_shutdown(trial: Trial) -> None:
    """SIGKILL during a graceful stop: after the consumer finished its batch, or before the relay publishes the rest."""
    await trial.send(trial.traffic.deposits(300))
    victim = await trial.start(
        crash_at=("during graceful shutdown", trial.traffic.chance.randint(1, 2)), seconds_per_deposit=0.005
    )
    await trial.handled(100)
    await victim.stop()
    await victim.died_there()
    await trial.look_while_down()
    await trial.start()


@cell()
async def zombie_relay(trial: Trial) -> None:
    """The relay's leader is stopped in the middle of a batch, loses the lead, resumes, and finishes the batch."""
    point: Point = trial.traffic.chance.choice(["relay after send", "relay before delete"])
    sleeper = await trial.start("relay", stop_at=(point, 1))
    await trial.start("consume")
    await trial.send(trial.traffic.deposits(300))
    await sleeper.stopped_there()
    assert await trial.end_connections(of_leader=True) == 1
    await trial.start("relay")
    await trial.send(trial.traffic.deposits(300))
    await trial.quiet()
    sleeper.resume()
    await trial.send(trial.traffic.deposits(100))


@cell()
async def zombie_direct_publisher(trial: Trial) -> None:
    """A process is stopped right after it published events; another takes over lead and partitions; it resumes."""
    sleeper = await trial.start(stop_at=("relay after send", trial.traffic.chance.randint(2, 5)))
    await trial.send(trial.traffic.deposits(300))
    await sleeper.stopped_there()
    assert await trial.end_connections(of_leader=True) == 1
    await trial.start()
    await trial.send(trial.traffic.deposits(300))
    await trial.quiet()
    sleeper.resume()
    await trial.send(trial.traffic.deposits(100))


@cell(calm=True)
async def late_commit(trial: Trial) -> None:
    """A transaction stays open while later ones commit and their events are published; then it commits."""
    sleeper = await trial.start("consume", stop_at=("before database commit", 1))
    await asyncio.gather(trial.start("relay"), trial.start("consume"), sleeper.ready())
    await trial.send(trial.traffic.bookings(600))
    await sleeper.stopped_there()
    await trial.handled(100)
    await eventually(trial.unpublished, lambda rows: rows == 0)
    sleeper.resume()


@cell(calm=True)
async def duplicates(trial: Trial) -> None:
    """Every third deposit comes a second time, at once or up to thirty records later."""
    await trial.send(trial.traffic.doubled(trial.traffic.bookings(300)))
    await trial.send(trial.traffic.doubled(trial.traffic.deposits(300)))
    await trial.start()


@cell(calm=True)
async def replay(trial: Trial) -> None:
    """The whole topic is read again."""
    await trial.send(trial.traffic.deposits(600))
    first = await trial.start()
    await trial.quiet()
    await first.stop()
    await trial.command("replay")
    await trial.start()


@cell(calm=True)
async def poison(trial: Trial) -> None:
    """Every kind of bad record in between."""
    await trial.send(trial.traffic.poisoned(trial.traffic.deposits(600)))
    await trial.start()


@cell()
async def poison_delivered_again(trial: Trial) -> None:
    """Bad records and duplicates, with a crash before the offsets are committed, and then the whole topic again."""
    await trial.send(trial.traffic.poisoned(trial.traffic.doubled(trial.traffic.deposits(400))))
    victim = await trial.start(crash_at=("before offset commit", trial.traffic.chance.randint(5, 15)))
    await victim.died_there()
    await trial.look_while_down()
    second = await trial.start()
    await trial.quiet()
    await second.stop()
    await trial.command("replay")
    await trial.start()


@cell()
async def kill_during_redrive(trial: Trial) -> None:
    """A bug refuses some deposits and parks their accounts; after the fix they are redriven, with a crash."""
    disputed = [trial.traffic.deposit(account, disputed=True) for account in trial.traffic.accounts[:2]]
    await trial.send([*disputed, *trial.traffic.deposits(200)])
    buggy = await trial.start(refuses_disputed=True)
    await trial.quiet()
    await buggy.stop()
    await trial.start()
    sending = asyncio.create_task(trial.send(trial.traffic.deposits(200)))
    (letter,) = await trial.first_letters(1)
    await trial.command("dead-letters", "redrive", letter, crash_at=("during redrive", 2))
    await sending
    while letters := await trial.first_letters():
        for letter in letters:
            await trial.command("dead-letters", "redrive", letter)


@cell()
async def broker_restart(trial: Trial) -> None:
    """The only broker gets SIGKILL during the traffic, and is started again."""
    (broker,) = trial.stack.kafka.brokers
    await trial.send(trial.traffic.deposits(300))
    await trial.start(seconds_per_deposit=0.005)
    await trial.handled(100)
    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(broker.start)
    await trial.send(trial.traffic.deposits(300))


@cell(brokers=3)
async def loss_of_one_broker_of_three(trial: Trial) -> None:
    """One of three brokers is killed and not started again."""
    broker = trial.traffic.chance.choice(trial.stack.kafka.brokers)
    await trial.send(trial.traffic.deposits(300))
    await trial.start(seconds_per_deposit=0.005)
    await trial.handled(100)
    await asyncio.to_thread(broker.kill)
    try:
        await trial.send(trial.traffic.deposits(300))
        await trial.quiet()
    finally:
        await asyncio.to_thread(broker.start)


@cell()
async def postgres_restart(trial: Trial) -> None:
    """PostgreSQL gets SIGKILL during the traffic, and is started again."""
    server = trial.stack.postgres.server
    await trial.send(trial.traffic.deposits(600))
    await trial.start(seconds_per_deposit=0.005)
    await trial.handled(100)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


@cell()
async def connections_cut(trial: Trial) -> None:
    """All connections to the database are cut repeatedly, so that the outcome of a commit may be unknown."""
    await trial.send(trial.traffic.deposits(900))
    await trial.start(seconds_per_deposit=0.003)
    for times in range(CUTS):
        await trial.handled(20 * times + trial.traffic.chance.randrange(40))
        await trial.end_connections()


@cell(calm=True)
async def rebalance(trial: Trial) -> None:
    """A second process joins and leaves while handlers run."""
    await trial.send(trial.traffic.deposits(900))
    await trial.start(seconds_per_deposit=0.01)
    for _ in range(2):
        guest = await trial.start(seconds_per_deposit=0.01)
        await guest.stop()


@cell(calm=True)
async def slow_handler(trial: Trial) -> None:
    """A batch blocks its process for longer than the session; meanwhile another process gets the same records."""
    await trial.send(trial.traffic.deposits(60))
    slow = await trial.start(seconds_per_deposit=0.4)
    await trial.start()
    await trial.handled(60)
    await slow.stop()


@cell(calm=True)
async def slower_than_the_poll_interval(trial: Trial) -> None:
    """A batch waits for a lock for longer than the poll interval: the process is alive but loses its partitions."""
    await trial.send(trial.traffic.deposits(60))
    async with trial.locked():
        await trial.start(poll_interval=10)
        # The second process becomes ready when it has the partitions, so after the first was removed from the group.
        await trial.start(poll_interval=120)
    await trial.send(trial.traffic.deposits(60))


@cell(calm=True)
async def two_relays(trial: Trial) -> None:
    """Two processes share the partitions; one relay leads and the other stands by."""
    await asyncio.gather(trial.start(), trial.start())
    await trial.send(trial.traffic.deposits(1500))


@cell(calm=True)
async def disk_trouble(trial: Trial) -> None:
    """For five seconds PostgreSQL cannot write accounts: an input/output error of the server, not of a record."""
    await trial.send(trial.traffic.deposits(300))
    await trial.start(seconds_per_deposit=0.005)
    await trial.handled(100)
    async with trial.failing("58030"):
        await asyncio.sleep(5)
    await trial.send(trial.traffic.deposits(300))


@cell(calm=True)
async def table_away(trial: Trial) -> None:
    """For six seconds the table of the accounts has another name."""
    await trial.send(trial.traffic.deposits(300))
    await trial.start(seconds_per_deposit=0.005)
    await trial.handled(100)
    await trial.change_database("alter table accounts rename to elsewhere")
    await asyncio.sleep(6)
    await trial.change_database("alter table elsewhere rename to accounts")
    await trial.send(trial.traffic.deposits(300))


@cell(calm=True)
async def column_changes_type(trial: Trial) -> None:
    """A column gets another type under a running process, so that its prepared statements are no longer right."""
    await trial.send(trial.traffic.deposits(400))
    member = await trial.start(seconds_per_deposit=0.005)
    for times, type_ in enumerate(("integer", "bigint"), start=1):
        await trial.handled(100 * times)
        await _change_type(trial, type_)
    await trial.handled(400)
    # And with one at a time: records and commands that fail together are tried again apart, which would hide the error.
    async with Callers(member.url, trial.traffic.accounts[0]).calling(per_second=10) as callers:
        for type_ in ("integer", "bigint"):
            await asyncio.sleep(1)
            await _change_type(trial, type_)
        await asyncio.sleep(1)
    assert not callers.told_otherwise, callers.told_otherwise


async def _change_type(trial: Trial, type_: str) -> None:
    await trial.change_database(f"alter table accounts alter column balance type {type_}")


@cell()
async def frozen_broker(trial: Trial) -> None:
    """The broker keeps its connections but answers nobody: the process says that it is not ready, until it is."""
    (broker,) = trial.stack.kafka.brokers
    await trial.send(trial.traffic.deposits(300))
    member = await trial.start(seconds_per_deposit=0.005)
    await trial.handled(100)
    await asyncio.to_thread(broker.pause)
    try:
        await eventually(member.says_ready, lambda ready: not ready, within=60)
        assert "duaal_consumer_lag{" not in await member.metrics()  # nobody can know it now
    finally:
        await asyncio.to_thread(broker.resume)
    await trial.send(trial.traffic.deposits(300))
    await member.ready()


@cell(calm=True)
async def stall_under_requests(trial: Trial) -> None:
    """The process stands still for 40 s under 30 requests a second; 20 s later it answers everybody at once again.

    To answer those who hung up meanwhile, too, would take it 30 s.
    """
    await trial.send(trial.traffic.deposits(300))
    member = await trial.start(seconds_per_deposit=0.012)
    async with Callers(member.url, trial.traffic.accounts[0]).calling(per_second=30) as callers:
        await eventually(lambda: callers.are_answered_at_once)
        member.pause()
        await asyncio.sleep(40)
        member.resume()
        await eventually(lambda: callers.are_answered_at_once, within=20)
