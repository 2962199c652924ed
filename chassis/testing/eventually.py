"""Instead of sleeping, a test asks until the answer is right; a failure says what the last answer was."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    probe: Callable[[], Awaitable[T]],
    satisfied: Callable[[T], object] = ...,
    *,
    within: float = ...,
    every: float = ...,
) -> T: ...


@overload
async def eventually(
    probe: Callable[[], T], satisfied: Callable[[T], object] = ..., *, within: float = ..., every: float = ...
) -> T: ...


async def eventually(
    probe: Callable[[], Any],
    satisfied: Callable[[Any], object] = bool,
    *,
    within: float = 30.0,
    every: float = 0.05,
) -> Any:
    """The first satisfying answer of `probe`. An exception counts as an answer that does not satisfy.

    Raises:
        AssertionError: there was none in time; the message holds the last answer.
    """
    deadline = time.monotonic() + within
    last: object = None
    while time.monotonic() < deadline:
        try:
            answer = probe()
            value = await answer if inspect.isawaitable(answer) else answer
            if satisfied(value):
                return value
            last = value
        except Exception as error:
            last = error
        await asyncio.sleep(every)
    raise AssertionError(f"not within {within} s; last seen: {last!r}")
