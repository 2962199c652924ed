"""What the relay could not publish: to look at, to try at once, or to take out for good."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.persistence.connection import Pool


class NotHeld(LookupError):
    """No record at this position waits because it could not be sent."""


class Held(NamedTuple):
    """A record that could not be sent, with how many records of its key wait behind it."""

    position: int
    topic: str
    aggregate_id: UUID
    sequence: int
    attempts: int
    error: str
    until: datetime | None
    behind: int


class HeldRecords:
    """What a person can do about them. `by` is who does it, for the record."""

    _LIST = (
        "select position, topic, aggregate_id, sequence, attempts, error, held_until, (select count(*) from outbox o "
        "where o.aggregate_id = outbox.aggregate_id and o.position > outbox.position) "
        "from outbox where attempts > 0 order by position"
    )
    _RELEASE = "update outbox set held_until = null where position = $1 and attempts > 0"
    _SKIP = (
        "with gone as (delete from outbox where position = $1 and attempts > 0 returning *) "
        "insert into skipped_records (position, aggregate_id, sequence, topic, headers, value, recorded_at, attempts, "
        "error, skipped_by, skipped_reason) select position, aggregate_id, sequence, topic, headers, value, "
        "recorded_at, attempts, error, $2, $3 from gone"
    )

    def __init__(self, pool: Pool, by: str) -> None:
        self._pool = pool
        self._by = by

    async def all(self) -> list[Held]:
        """Every one, oldest first."""
        return [Held(*row) for row in await self._pool.fetch(self._LIST)]

    async def find(self, position: int) -> Held:
        """The one at this position.

        Raises:
            NotHeld: there is none.
        """
        for held in await self.all():
            if held.position == position:
                return held
        raise NotHeld(f"no record at position {position} was refused by Kafka and still waits")

    async def release(self, held: Held) -> None:
        """Let the relay try it, and what waits behind it, in its next round."""
        await self._pool.execute(self._RELEASE, held.position)

    async def skip(self, held: Held, reason: str) -> None:
        """Never publish it, keep it aside, and let what waits behind it go on: who reads its key sees a gap.

        A relay that is sending it at this very moment may still get it through.

        Raises:
            ValueError: without a reason nobody will know later why.
            NotHeld: it was published in the meantime.
        """
        if not reason.strip():
            raise ValueError("say why it need not be published")
        if await self._pool.execute(self._SKIP, held.position, self._by, reason.strip()) != "INSERT 0 1":
            raise NotHeld(f"the record at position {held.position} was published in the meantime")
