"""Nobody decides on a proposal: its timer goes through Kafka, and the place goes to the next learner."""

from uuid import uuid4

import asyncpg
import httpx

from contracts.matching import MatchLapsed, MatchProposed
from deploy.local.platform import Platform
from tests.e2e.listening import the_event


async def test_a_proposal_on_which_nobody_decides_lapses_and_its_place_goes_to_who_waits(
    platform: Platform, http: httpx.AsyncClient, programme: str
) -> None:
    intake = platform.urls["intake"]
    offer = {
        "company": "Traag NV",
        "enterprise_number": "0314.595.348",
        "programme": programme,
        "recognition": "ERKEND",
        "postal_code": "8310",
    }
    workplace = (await http.post(f"{intake}/workplaces", json=offer)).json()["workplace_id"]
    for _ in range(2):
        search = {"school": "34074", "reference": f"leerling-{uuid4()}", "programme": programme, "postal_code": "8000"}
        assert (await http.post(f"{intake}/learner-searches", json=search)).status_code < 300
    first = await the_event(platform, MatchProposed, lambda event: str(event.workplace_id) == workplace)

    await let_time_pass(platform, first)
    lapse = await the_event(platform, MatchLapsed, lambda event: event.proposal_id == first.proposal_id)
    assert (lapse.learner_id, lapse.expired_on) == (first.learner_id, first.expires_on)
    second = await the_event(
        platform,
        MatchProposed,
        lambda event: str(event.workplace_id) == workplace and event.learner_id != first.learner_id,
    )
    assert second.proposed_on > first.expires_on


async def let_time_pass(platform: Platform, proposal: MatchProposed) -> None:
    """Make the timer due now; its message still has the original time."""
    connection = await asyncpg.connect(platform.database_urls["matching"])
    done = await connection.execute("update timers set due_at = now() where id = $1", proposal.proposal_id)
    await connection.close()
    assert done == "UPDATE 1"
