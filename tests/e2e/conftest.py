"""All services as processes on real Kafka, PostgreSQL and SMTP."""

from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import httpx
import pytest

from chassis.handling import BRUSSELS
from contracts.codelists.programmes import Programmes
from contracts.vocabulary import EducationType
from deploy.local.platform import Platform


@pytest.fixture
async def programme(platform: Platform) -> str:
    """A programme for which nobody offers or searches anything: whoever meets, meets for this test."""
    connection = await asyncpg.connect(platform.database_urls["matching"])
    rows = await connection.fetch("select programme from workplaces union select programme from learner_searches")
    await connection.close()
    taken, today = {row["programme"] for row in rows}, datetime.now(BRUSSELS).date()
    return next(
        number
        for number, one in sorted(Programmes.read().by_number.items(), reverse=True)
        if one.education_type is EducationType.GEWOON and one.grade == 3 and one.valid_on(today) and number not in taken
    )


def authorization(platform: Platform) -> dict[str, str]:
    """The header of a program of the Steunpunt."""
    return {"Authorization": f"Bearer {platform.logins.token_of('demo')}"}


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client with the token of a program of the Steunpunt."""
    async with httpx.AsyncClient(timeout=15, headers=authorization(platform)) as client:
        yield client
