"""Runs what is parked under a key again, in order, through the normal pipeline; stops at the first failure."""

from dataclasses import dataclass

from chassis.messaging.pipeline import Pipeline
from chassis.persistence.dead_letters import Closed, DeadLetter
from chassis.persistence.store import Store
from chassis.record import Outcome


class NotWaiting(LookupError):
    """There is no open dead letter with this id."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """A dead letter that was tried again, and how that ended."""

    letter: DeadLetter
    outcome: Outcome


class Redrive:
    """What a person can do about the dead letters of a service. `by` is who does it, for the record."""

    def __init__(self, pipeline: Pipeline, store: Store, by: str) -> None:
        self._pipeline = pipeline
        self._store = store
        self._by = by

    async def waiting(self) -> list[DeadLetter]:
        """All open dead letters, oldest first."""
        async with self._store.transaction() as transaction:
            return await transaction.dead_letters.list_open()

    async def find(self, id_or_start: str) -> DeadLetter:
        """The open dead letter whose id begins so.

        Raises:
            NotWaiting: none or several do.
        """
        found = [letter for letter in await self.waiting() if str(letter.id).startswith(id_or_start)]
        if len(found) != 1:
            raise NotWaiting(f"{len(found)} open dead letters have an id that begins with {id_or_start}")
        return found[0]

    async def sequence(self, letter: DeadLetter) -> list[DeadLetter]:
        """The open letters of the same key, oldest first; of a record without a key, itself."""
        waiting = await self.waiting()
        if letter.record.key is None:
            return [one for one in waiting if one.id == letter.id]
        place = (letter.record.topic, letter.record.key)
        return [one for one in waiting if (one.record.topic, one.record.key) == place]

    async def redrive(self, letter: DeadLetter) -> list[Redriven]:
        """Try everything that is parked under the letter's key, oldest first, as long as it goes well."""
        done: list[Redriven] = []
        while sequence := await self.sequence(letter):
            outcome = await self._pipeline.redrive(sequence[0], self._by)
            if outcome is not Outcome.PARKED:  # somebody else was first: look again
                done.append(Redriven(sequence[0], outcome))
            if outcome is Outcome.DEAD_LETTERED:
                break
        return done

    async def discard(self, letter: DeadLetter, reason: str) -> None:
        """Decide that it is not needed. What is parked behind it still waits, for a redrive.

        Raises:
            ValueError: without a reason nobody will know later why.
        """
        if not reason.strip():
            raise ValueError("say why it is not needed")
        async with self._store.transaction() as transaction:
            await transaction.dead_letters.close(letter.id, Closed.DISCARDED, self._by, reason.strip())
