"""From a company's offer and a learner's search to a proposal at the school, and to the forum's evidence."""

from uuid import uuid4

import httpx

from contracts.intake import LearnerSearchStarted
from contracts.matching import MatchProposed
from contracts.pof import ProgrammatieSubmitted
from deploy.local.platform import Platform
from tests.e2e.listening import the_event, the_mail


async def test_a_learner_and_a_workplace_meet_at_the_school_and_count_for_the_forum(
    platform: Platform, http: httpx.AsyncClient, programme: str
) -> None:
    intake, pof = platform.urls["intake"], platform.urls["pof"]
    offer = {
        "company": "Podia NV",
        "enterprise_number": "0314.595.348",
        "programme": programme,
        "recognition": "ERKEND",
        "postal_code": "8310",
    }
    workplace = (await http.post(f"{intake}/workplaces", json=offer)).json()
    search = {"school": "34074", "reference": f"leerling-{uuid4()}", "programme": programme, "postal_code": "8000"}
    learner = (await http.post(f"{intake}/learner-searches", json=search)).json()

    match = await the_event(platform, MatchProposed, lambda event: str(event.learner_id) == learner["learner_id"])
    assert str(match.workplace_id) == workplace["workplace_id"]
    mail = await the_mail(platform, lambda mail: str(match.proposal_id) in mail.get_content())
    assert "34074" in mail["To"]
    await the_event(platform, LearnerSearchStarted, lambda event: str(event.learner_id) == learner["learner_id"])

    dossier = {
        "institution": "34074",
        "site": f"vestiging-{uuid4()}"[:20],
        "programme": programme,
        "education_type": "gewoon",
        "school_year": "2027-2028",
    }
    announced = (await http.post(f"{pof}/dossiers", json=dossier)).json()
    submission = {"agodi_reference": "AGODI-e2e-1"}
    submitted = await http.post(f"{pof}/dossiers/{announced['dossier_id']}/submit", json=submission)
    assert submitted.status_code == 200
    published = await the_event(
        platform, ProgrammatieSubmitted, lambda event: str(event.dossier_id) == announced["dossier_id"]
    )
    assert (published.evidence.workplaces_registered, published.evidence.learners_searching) == (1, 1)
    await the_mail(platform, lambda mail: "pof" in mail["To"] and announced["dossier_id"] in mail.get_content())


async def test_the_forum_refuses_a_cvo_and_says_why(platform: Platform, http: httpx.AsyncClient) -> None:
    dossier = {
        "institution": "900003",
        "site": "hoofdzetel",
        "programme": "284",
        "education_type": "gewoon",
        "school_year": "2027-2028",
    }
    answer = await http.post(f"{platform.urls['pof']}/dossiers", json=dossier)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "institution"
    assert "CVO" in answer.json()["detail"]
