"""The relay's leadership: an advisory lock that a session of PostgreSQL holds until it ends.

A session ends with its process or earlier; its process notices at the next statement. A statement whose answer comes
too late leaves the session as it was.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, cast

from chassis.outbox_records import OutboxRecord
from chassis.persistence.outbox import Hold, Outbox, Unpublished
from chassis.persistence.timers import WaitingTimer
from tests.simulation.database import Database
from tests.simulation.process import Process

T = TypeVar("T")


class Session:
    """A connection of one process. Each of its statements is a transaction."""

    def __init__(self, process: Process) -> None:
        self.closed = False
        """Did the process notice that the session ended?"""
        self.life = process.life
        self._process = process
        self._cut = False

    @property
    def open(self) -> bool:
        """Does the session exist on the server?"""
        return not self._cut and not self.life.done()

    def cut(self) -> None:
        """End the session, without notice to its process."""
        self._cut = True

    async def perform(self, statement: Callable[[], T]) -> T:
        """Execute a statement, and return its answer.

        Raises:
            ConnectionResetError: the session has ended; nothing was done.
            TimeoutError: there is no answer; the statement may have been executed.
        """
        return await self._process.perform(lambda: self._perform(statement), TimeoutError)

    def _perform(self, statement: Callable[[], T]) -> T:
        if not self.open:
            self.closed = True
            raise ConnectionResetError
        return statement()


class LeadersOutbox:
    """The outbox, on the session of the leader."""

    def __init__(self, database: Database, session: Session) -> None:
        self._database = database
        self._session = session

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        return await self._session.perform(lambda: self._unpublished(limit, now, acknowledged))

    def _unpublished(self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord]) -> list[Unpublished]:
        leader = self._database.leader
        leads = leader is not None and leader.open and leader.life is self._session.life
        self._database.read_without_lead |= not leads
        gone = {record.identity for record in acknowledged}
        self._database.delete([at for at, record in self._database.outbox.items() if record.identity in gone])
        return self._database.unpublished(limit, now)

    async def published(self, positions: Sequence[int]) -> None:
        await self._session.perform(lambda: self._database.delete(positions))

    async def hold(self, holds: Sequence[Hold]) -> None:
        await self._session.perform(lambda: self._database.hold(holds))


class Lead:
    """The same as `chassis.persistence.leadership`, on simulated sessions."""

    def __init__(self, database: Database, process: Process, outbox: type[LeadersOutbox] = LeadersOutbox) -> None:
        self._database = database
        self._process = process
        self._kind = outbox
        self._session: Session | None = None
        self._held = False

    async def outbox(self) -> Outbox | None:
        if self._session is None or self._session.closed:
            self._held = False
            self._session = await self._connect()
            self._outbox = await self._outbox_on(self._session)
        session = self._session
        if not self._held:
            self._held = await session.perform(lambda: self._database.lead(session))
        return self._outbox if self._held else None

    async def set_timers(self, timers: Sequence[WaitingTimer]) -> None:
        """There are no schedules in the simulation."""

    async def fire_timers(self, now: datetime, limit: int) -> int:  # noqa: ARG002
        """There are no timers in the simulation."""
        return 0

    async def release(self) -> None:
        if self._session:
            self._session.cut()

    async def _connect(self) -> Session:
        return await self._process.perform(lambda: Session(self._process))

    async def _outbox_on(self, session: Session) -> Outbox:
        return cast(Outbox, self._kind(self._database, session))  # the relay never appends to it
