"""The public form takes what people type, and not what a flood sends; nothing that was typed is lost."""

from typing import Any

import httpx
import pytest

from chassis.private_links import new_seed
from chassis.service import Service
from chassis.testing.harness import ServiceUnderTest
from chassis.web.limits import Limits
from services.intake.app import build
from services.intake.domain.case import Case
from services.intake.settings import IntakeSettings

HOST = {"origin": "http://intake", "accept": "text/html"}
TEXT = "Wat is duaal leren?"


@pytest.fixture
def service() -> Service:
    """A new one for each test, because what an address sent is counted in memory."""
    return build(IntakeSettings(database_url="unused", questions_per_address=2, questions_in_all=3))


async def send(client: httpx.AsyncClient, **given: Any) -> httpx.Response:
    form = {"audience": "OUDER", "text": TEXT, "step": "send", "seed": new_seed(), **given}
    return await client.post("/vraag", data=form, headers=HOST)


async def test_more_than_an_address_may_send_is_told_when_to_try_again_and_what_was_typed_stays(
    under_test: ServiceUnderTest,
) -> None:
    async with under_test.http() as client:
        assert [(await send(client)).status_code for _ in range(2)] == [303, 303]
        refused = await send(client, text="Deze vraag typte ik met zorg.")
    assert refused.status_code == 429
    assert "Wacht tien minuten" in refused.text
    assert "Deze vraag typte ik met zorg." in refused.text
    assert len(await under_test.all(Case)) == 2


async def test_the_same_form_sent_twice_is_one_case_with_one_link(under_test: ServiceUnderTest) -> None:
    seed = new_seed()
    async with under_test.http() as client:
        first, second = [await send(client, seed=seed) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    assert len(await under_test.all(Case)) == 1


async def test_a_seed_that_somebody_could_guess_makes_no_link_that_somebody_could_guess(
    under_test: ServiceUnderTest,
) -> None:
    async with under_test.http() as client:
        first, second = [await send(client, seed="1") for _ in range(2)]
    assert first.headers["location"] != second.headers["location"]


def test_an_address_that_is_refused_uses_up_nobody_elses_room() -> None:
    limits = Limits(per_address=1, in_all=2)
    assert [limits.admit("a"), limits.admit("a"), limits.admit("a")] == [True, False, False]
    assert [limits.admit("b"), limits.admit("c")] == [True, False]
