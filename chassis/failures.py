"""What a failure asks for: one classification, for records, commands, outbound actions and the relay alike."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import asyncpg
from pydantic import ValidationError

from chassis.handling import PermanentError, TransientError
from contracts.envelope import InvalidEnvelope
from contracts.vocabulary import DeadLetterReason

T = TypeVar("T")


class Fault(StrEnum):
    """Whose fault an error is, and so what helps."""

    DEPENDENCY = "dependency"
    """the database or another server is in trouble: pause, and try again when it is back"""
    CONTENTION = "contention"
    """others do something at the same time: try again at once a few times, then pause"""
    CONFLICT = "conflict"
    """others may have done the same at the same time: try again at once a few times, then it is the message's fault"""
    MESSAGE = "message"
    """this message will never work: set it aside, or refuse it"""
    UNKNOWN = "unknown"
    """perhaps the dependency's: pause, unless it is this message alone that fails while others succeed"""


SQLSTATES: Mapping[str, Fault] = {
    "00": Fault.UNKNOWN,  # successful completion: never an error
    "01": Fault.UNKNOWN,  # warning
    "02": Fault.UNKNOWN,  # no data
    "03": Fault.UNKNOWN,  # SQL statement not yet complete
    "08": Fault.DEPENDENCY,  # connection exception
    "09": Fault.UNKNOWN,  # triggered action exception
    "0A": Fault.UNKNOWN,  # feature not supported
    "0A000": Fault.CONTENTION,  # ... also "cached plan must not change result type", after a migration
    "0B": Fault.UNKNOWN,  # invalid transaction initiation
    "0F": Fault.UNKNOWN,  # locator exception
    "0L": Fault.UNKNOWN,  # invalid grantor
    "0P": Fault.UNKNOWN,  # invalid role specification
    "0Z": Fault.UNKNOWN,  # diagnostics exception
    "10": Fault.UNKNOWN,  # XQuery error
    "20": Fault.UNKNOWN,  # case not found
    "21": Fault.UNKNOWN,  # cardinality violation
    "22": Fault.MESSAGE,  # data exception
    "23": Fault.MESSAGE,  # integrity constraint violation
    "23505": Fault.CONFLICT,  # ... unique violation: somebody else was first
    "24": Fault.UNKNOWN,  # invalid cursor state
    "25": Fault.DEPENDENCY,  # invalid transaction state, such as read-only after a failover
    "26": Fault.CONTENTION,  # invalid SQL statement name: prepared on a connection that is another one now
    "27": Fault.UNKNOWN,  # triggered data change violation
    "28": Fault.DEPENDENCY,  # invalid authorization specification
    "2B": Fault.UNKNOWN,  # dependent privilege descriptors still exist
    "2D": Fault.DEPENDENCY,  # invalid transaction termination
    "2F": Fault.UNKNOWN,  # SQL routine exception
    "34": Fault.UNKNOWN,  # invalid cursor name
    "38": Fault.UNKNOWN,  # external routine exception
    "39": Fault.UNKNOWN,  # external routine invocation exception
    "3B": Fault.UNKNOWN,  # savepoint exception
    "3D": Fault.DEPENDENCY,  # invalid catalog name: the database is not there
    "3F": Fault.DEPENDENCY,  # invalid schema name
    "40": Fault.CONTENTION,  # transaction rollback: serialization failure, deadlock
    "42": Fault.UNKNOWN,  # syntax error or access rule violation: a table that is not there, a right that is missing
    "44": Fault.MESSAGE,  # with check option violation
    "53": Fault.DEPENDENCY,  # insufficient resources
    "54": Fault.MESSAGE,  # program limit exceeded: too large for an index, too many columns
    "55": Fault.CONTENTION,  # object not in prerequisite state: lock not available
    "57": Fault.DEPENDENCY,  # operator intervention: shutdown, statement timeout
    "58": Fault.DEPENDENCY,  # system error: input or output
    "72": Fault.CONTENTION,  # snapshot failure
    "F0": Fault.DEPENDENCY,  # configuration file error
    "HV": Fault.DEPENDENCY,  # foreign data wrapper error
    "P0": Fault.UNKNOWN,  # PL/pgSQL error
    "XX": Fault.DEPENDENCY,  # internal error: corruption
}
"""PostgreSQL's classes of SQLSTATE (its appendix A); a full code decides before its class."""

DEPENDENCY_ERRORS = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Besides what PostgreSQL says itself: no connection, no answer, or a client that lost track of a cut connection."""
UNKNOWN_OUTCOME = ("08", "57", "58", "XX")
"""After these and after DEPENDENCY_ERRORS nobody knows whether a transaction that was committing is committed."""


class HandlersFailed(Exception):
    """Handlers of some messages raised an error. Nothing was kept; the other messages may be run without them."""

    def __init__(self, failed: Mapping[Any, Exception]) -> None:
        super().__init__(", ".join(type(error).__name__ for error in failed.values()))
        self.failed = failed


def fault_of(error: BaseException) -> Fault:
    """Whose fault it is."""
    match error:
        case HandlersFailed():
            faults = {_fault_of_handler(one) for one in error.failed.values()}
            return faults.pop() if len(faults) == 1 else Fault.MESSAGE
        case TransientError():
            return Fault.CONFLICT
        case PermanentError() | ValidationError() | InvalidEnvelope():
            return Fault.MESSAGE
        case asyncpg.PostgresError():
            code = error.sqlstate or ""
            return SQLSTATES.get(code) or SQLSTATES.get(code[:2], Fault.UNKNOWN)
        case _ if isinstance(error, DEPENDENCY_ERRORS):
            return Fault.DEPENDENCY
        case _:
            return Fault.UNKNOWN


def _fault_of_handler(error: Exception) -> Fault:
    """A handler sees nothing but its message and what was loaded: what it does not announce is the message's fault."""
    return fault_of(error) if isinstance(error, (TransientError, *DEPENDENCY_ERRORS)) else Fault.MESSAGE


def was_rolled_back(error: Exception) -> bool:
    """Is it certain that nothing was committed, so that the same may be executed again?"""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] not in UNKNOWN_OUTCOME
    return isinstance(error, HandlersFailed | TransientError | PermanentError)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try this again after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class SetAside:
    """Make a dead letter of this record, or refuse this command."""

    reason: DeadLetterReason


@dataclass(frozen=True, slots=True)
class Pause:
    """Keep it, and try again after so many seconds: something that every message needs is in trouble."""

    after: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """It may be this message or what every message needs: see whether others succeed."""


Decision = Retry | SetAside | Pause | Doubt


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
        fault = fault_of(error)
        if fault is Fault.DEPENDENCY:
            return Pause(self.pause)
        if fault is Fault.MESSAGE:
            return SetAside(DeadLetterReason.REFUSED)
        if attempts < self.attempts:
            return Retry(min(self.longest, self.first * 2**attempts) * (0.5 + self.jitter() / 2))
        match fault:
            case Fault.CONTENTION:
                return Pause(self.pause)
            case Fault.CONFLICT:
                return SetAside(DeadLetterReason.EXHAUSTED)
            case _:
                return Doubt()


class GaveUp(Exception):
    """Trying again makes no sense, or not at once: `decision` says what to do. `error` is the last error."""

    def __init__(self, decision: SetAside | Pause | Doubt, error: Exception, attempts: int) -> None:
        super().__init__(type(error).__name__)
        self.decision = decision
        self.error = error
        self.attempts = attempts


async def retried(
    work: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """The result of `work`, which is tried again for as long as the policy says so.

    Raises:
        GaveUp: the policy says something else.
    """
    attempts = 0
    while True:
        try:
            return await work()
        except Exception as error:
            attempts += 1
            decision = policy.decide(error, attempts)
            if not isinstance(decision, Retry):
                raise GaveUp(decision, error, attempts) from error
            await sleep(decision.after)


def cause_of(error: Exception) -> Exception:
    """The error of the handler, when the handler of one message failed."""
    return next(iter(error.failed.values())) if isinstance(error, HandlersFailed) else error


def explain(error: Exception) -> str:
    """Why a record was set aside, without a single value out of it."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, line['loc'])) or 'value'}: {line['type']}"
            for line in error.errors(include_url=False, include_input=False, include_context=False)[:10]
        )
    if isinstance(error, asyncpg.PostgresError):
        return f"{type(error).__name__} (SQLSTATE {error.sqlstate})"
    if isinstance(error, InvalidEnvelope | PermanentError | TransientError):
        return str(error)[:300]
    return type(error).__name__
