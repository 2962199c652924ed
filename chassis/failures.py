"""What a failure asks for: try again, set the record aside, or pause until a dependency is back."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import asyncpg
from pydantic import ValidationError

from chassis.handling import PermanentError, TransientError
from contracts.envelope import InvalidEnvelope
from contracts.vocabulary import DeadLetterReason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """Try this again after so many seconds."""

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
    asyncpg.InternalClientError,  # raised when a connection is cut while nobody uses it
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
    """How often one record or command is tried, and how long to wait in between, in seconds."""

    attempts: int = 5
    first: float = 0.05
    longest: float = 2.0
    pause: float = 1.0
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


class GaveUp(Exception):
    """Trying again makes no sense. `error` is the last error."""

    def __init__(self, reason: DeadLetterReason, error: Exception, attempts: int) -> None:
        super().__init__(type(error).__name__)
        self.reason = reason
        self.error = error
        self.attempts = attempts


class DependencyDown(Exception):
    """It can be tried again when a dependency is back. `error` is what showed that it is not there."""

    def __init__(self, after: float, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.after = after
        self.error = error


async def retried(
    work: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """The result of `work`, which is tried again for as long as the policy says so.

    Raises:
        GaveUp: the policy says that it is to be set aside.
        DependencyDown: the policy says to pause.
    """
    attempts = 0
    while True:
        try:
            return await work()
        except Exception as error:
            attempts += 1
            match policy.decide(error, attempts):
                case SetAside(reason):
                    raise GaveUp(reason, error, attempts) from error
                case Pause(after):
                    raise DependencyDown(after, error) from error
                case Retry(after):
                    await sleep(after)


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
