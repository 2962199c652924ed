"""Waiting without a clock."""

import asyncio


async def turns(number: int = 50) -> None:
    """Let everything run that needs no answer from outside: so many turns of the loop, however long each takes.

    A sleep of some milliseconds may be over before anything had its turn, on a machine that has other things to do.
    """
    for _ in range(number):
        await asyncio.sleep(0)
