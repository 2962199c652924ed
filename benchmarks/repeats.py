"""What repeated Idempotency-Keys cost: accepted questions per second, beside the same without a repeat."""

import asyncio
import json
import time
from collections.abc import Sequence
from random import Random
from statistics import median
from uuid import UUID

from benchmarks.latency import post
from benchmarks.result import Bench, Result
from deploy.demo.traffic import Day
from deploy.local.platform import Platform
from deploy.local.ports import HOST

CLIENTS = 64
QUESTIONS = 2_000
SHARES = (0.0, 0.02, 0.1, 0.5)
ALLOWED = 0.9
"""What has to be left of the rate when a tenth of the requests are repeats."""

Question = tuple[bytes, str]
"""Body and key."""


async def repeats(bench: Bench) -> list[Result]:
    """All shares in turn."""
    platform = await asyncio.to_thread(Platform(bench.stack, bench.directory).start)
    try:
        for other in platform.services.keys() - {"intake"}:
            await asyncio.to_thread(platform.services[other].stop)
        rates: dict[float, list[float]] = {share: [] for share in SHARES}
        number = bench.some(QUESTIONS)
        token = await asyncio.to_thread(platform.logins.token_of, "demo")
        await _rate(platform.ports["intake"], _questions(number, 0.0, Random(0)), token)
        for turn in range(bench.rounds):
            for share in SHARES:
                questions = _questions(number, share, Random(turn * 100 + share))
                rates[share].append(await _rate(platform.ports["intake"], questions, token))
    finally:
        await asyncio.to_thread(platform.stop)
    none, tenth = median(rates[0.0]), median(rates[0.1])
    all_rates = ", ".join(f"{share:.0%}: {median(found):.0f}" for share, found in rates.items())
    note = f"{CLIENTS} clients; accepted per second by share of repeats: {all_rates}"
    ratio = tenth / none
    return [
        Result(
            "repeats", tenth, "questions/s (10 %)", "no repeats", none, ratio, f">= {ALLOWED}", ratio >= ALLOWED, note
        )
    ]


def _questions(number: int, share: float, chance: Random) -> list[Question]:
    """So many, of which a share repeats an earlier one, key and body."""
    asked = [json.dumps(request.body).encode() for request in Day(1).requests() if request.path == "/questions"]
    questions: list[Question] = []
    for at in range(number):
        if questions and chance.random() < share:
            questions.append(chance.choice(questions))
        else:
            questions.append((asked[at % len(asked)], str(UUID(int=chance.getrandbits(128)))))
    return questions


async def _rate(port: int, questions: Sequence[Question], token: str) -> float:
    """Accepted per second, by clients that ask one after the other."""
    left = iter(questions)

    async def client() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        for body, key in left:
            await post(reader, writer, body, key, token)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(questions) / (time.perf_counter() - begun)
