"""kill -9 of a service in the middle of its work: nothing is lost and nothing is done twice."""

import asyncio
from collections import Counter
from uuid import uuid4

import asyncpg
import httpx
import pytest

from chassis.testing.eventually import eventually
from deploy.local.platform import Platform

QUESTIONS = 60


@pytest.mark.parametrize("victim", ["intake", "referral", "notifications"])
async def test_every_question_gets_one_referral_and_one_mail_though_a_service_is_killed(
    platform: Platform, http: httpx.AsyncClient, victim: str
) -> None:
    run = uuid4()

    async def ask(number: int) -> str:
        """Insist, with the same key, until there is an answer."""
        key = {"Idempotency-Key": f"crash-{victim}-{number}-{run}"}
        question = {"audience": "OUDER", "text": f"Wat is duaal leren? ({number})"}

        async def post() -> httpx.Response:
            return await http.post(platform.urls["intake"] + "/questions", json=question, headers=key)

        answer = await eventually(post, lambda response: response.status_code == 202, within=60)
        return str(answer.json()["question_id"])

    async def crash() -> None:
        process = platform.services[victim]
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(number)) for number in range(QUESTIONS // 2)]
        group.create_task(crash())
        asked += [group.create_task(ask(number)) for number in range(QUESTIONS // 2, QUESTIONS)]
    questions = [task.result() for task in asked]
    assert len(set(questions)) == QUESTIONS

    referral = await asyncpg.connect(platform.database_urls["referral"])
    notifications = await asyncpg.connect(platform.database_urls["notifications"])
    try:

        async def referrals() -> Counter[str]:
            rows = await referral.fetch(
                "select question_id, id from referrals where question_id = any($1::uuid[])", questions
            )
            return Counter(str(row["question_id"]) for row in rows)

        await eventually(referrals, lambda found: found == Counter(questions), within=60)

        async def mails() -> Counter[str]:
            ids = await referral.fetch("select id from referrals where question_id = any($1::uuid[])", questions)
            rows = await notifications.fetch(
                "select about from messages where status = 'SENT' and about = any($1::uuid[])",
                [row["id"] for row in ids],
            )
            return Counter(str(row["about"]) for row in rows)

        found = await eventually(mails, lambda found: found.total() >= QUESTIONS, within=60)
        assert set(found.values()) == {1}
    finally:
        await referral.close()
        await notifications.close()
