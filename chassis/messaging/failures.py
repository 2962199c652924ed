"""What to do when a record fails: retry it, set it aside, pause for a dependency, or halt the service."""

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import asyncpg
from pydantic import ValidationError

from chassis.handling import PermanentError, TransientError
from contracts.envelope import InvalidEnvelope
from contracts.vocabulary import DeadLetterReason


@dataclass(frozen=True, slots=True)
class Retry:
    """Try this record again after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class SetAside:
    """Make a dead letter of this record."""

    reason: DeadLetterReason


@dataclass(frozen=True, slots=True)
class Pause:
    """Something that every record needs is down: keep the offset, probe again after so many seconds."""

    after: float


Decision = Retry | SetAside | Pause

MISSING_DEPENDENCY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asyncpg's own confusion when a connection is cut while nobody uses it
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ReadOnlySQLTransactionError,
)
TRANSIENT_ERRORS: tuple[type[Exception], ...] = (
    TransientError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one record may be retried; the whole stays far below Kafka's poll interval."""

    attempts: int = 5
    first: float = 0.05
    longest: float = 2.0
    pause: float = 1.0
    poll_budget: float = 60.0
    jitter: Callable[[], float] = random.random

    def decide(self, error: Exception, attempts: int) -> Decision:
        """What to do after `attempts` attempts, the last of which ended in `error`."""
        if isinstance(error, MISSING_DEPENDENCY):
            return Pause(self.pause)
        if not isinstance(error, TRANSIENT_ERRORS):
            return SetAside(DeadLetterReason.REFUSED)
        if attempts >= self.attempts:
            return SetAside(DeadLetterReason.EXHAUSTED)
        return Retry(min(self.longest, self.first * 2**attempts) * (0.5 + self.jitter() / 2))


class Halted(Exception):
    """So many dead letters that something else must be wrong: stop before the topic is drained into a table."""


Partition = tuple[str, int]


class DeadLetterLimit:
    """Per partition: at most so many dead letters in a row, and at most such a share of the last records."""

    def __init__(self, in_a_row: int = 50, share: float = 0.5, of_last: int = 200) -> None:
        self._in_a_row = in_a_row
        self._share = share
        self._last: dict[Partition, deque[bool]] = defaultdict(lambda: deque(maxlen=max(of_last, in_a_row + 1)))
        self._of_last = of_last

    def check(self, endings: Iterable[tuple[Partition, bool]]) -> None:
        """Would it be too much if these records ended so (True: as a dead letter)?

        Raises:
            Halted: yes.
        """
        by_partition: dict[Partition, list[bool]] = defaultdict(list)
        for partition, dead in endings:
            by_partition[partition].append(dead)
        for partition, new in by_partition.items():
            if any(new):
                last = self._last[partition].copy()
                for dead in new:
                    last.append(dead)
                    self._check(partition, list(last))

    def _check(self, partition: Partition, dead: list[bool]) -> None:
        place = "/".join(map(str, partition))
        if all(dead[-self._in_a_row - 1 :]) and len(dead) > self._in_a_row:
            raise Halted(f"{place}: more than {self._in_a_row} dead letters in a row")
        last = dead[-self._of_last :]
        if len(last) == self._of_last and sum(last) > self._share * self._of_last:
            raise Halted(f"{place}: {sum(last)} of the last {len(last)} records are dead letters")

    def note(self, endings: Iterable[tuple[Partition, bool]]) -> None:
        """These records ended so, and it is committed."""
        for partition, dead in endings:
            self._last[partition].append(dead)


def explain(error: Exception) -> str:
    """Why a record was set aside, without a single value out of it."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, line['loc'])) or 'value'}: {line['type']}"
            for line in error.errors(include_url=False, include_input=False, include_context=False)[:10]
        )
    if isinstance(error, InvalidEnvelope | PermanentError | TransientError):
        return str(error)[:300]
    return type(error).__name__
