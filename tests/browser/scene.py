"""What has happened before somebody looks at a page: questions of all kinds, and how far each of them is.

Asked through the public form, as people do, by a program. What takes days, or a partner's answer, is written in the
database.
"""

import asyncio
import re
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from chassis.access import SESSION
from chassis.handling import BRUSSELS
from chassis.persistence.connection import Connection
from chassis.private_links import hash_of
from chassis.testing.eventually import eventually
from deploy.local.platform import Platform
from deploy.login.accounts import people

PAGE_AND_MORE = 51
"""Cases that do not fit on one page of the desk."""


@dataclass(frozen=True)
class Asked:
    """One question: the token of its private link, and its case."""

    token: str
    case_id: UUID


@dataclass(frozen=True)
class Scene:
    """The questions, by what is special about them."""

    asked: Asked
    """a partner was asked"""
    advised: Asked
    ours: Asked
    taken_up: Asked
    helped: Asked
    ended: Asked
    urgent: Asked
    late: Asked
    anonymous: Asked
    several: Asked
    withdrawn: Asked
    expired: Asked


def contact(name: str) -> dict[str, str]:
    return {"contact.name": name, "contact.email": f"{name.split(maxsplit=1)[0].lower()}@voorbeeld.be"}


QUESTIONS: dict[str, dict[str, str]] = {
    "asked": {
        "audience": "OUDER",
        "text": "Mijn zoon is schoolmoe maar heel handig. Is duaal leren iets voor hem?",
        "postal_code": "8600",
        "age_band": "15-17",
        **contact("Griet Voorbeeld"),
        "contact.phone": "0470 12 34 56",
    },
    "advised": {
        "audience": "LERENDE",
        "text": "Mag ik in november nog starten met duaal leren in mijn school?",
        "postal_code": "8200",
        "age_band": "15-17",
        **contact("Yasmine Voorbeeld"),
    },
    "ours": {
        "audience": "ONDERNEMING",
        "text": "Wij zijn een bakkerij en willen een leerling. Wat moeten we doen?",
        "postal_code": "8600",
        **contact("Dirk Voorbeeld"),
    },
    "taken_up": {
        "audience": "SCHOOL",
        "text": "Wij hebben drie leerlingen zonder werkplek in groenaanleg. Wie kan mee zoeken?",
        "postal_code": "8820",
        **contact("Nele Voorbeeld"),
    },
    "helped": {
        "audience": "ONDERNEMING",
        "text": "Hoe kunnen wij als garage een erkenning krijgen om leerlingen op te leiden?",
        "postal_code": "8500",
        **contact("Ahmed Voorbeeld"),
    },
    "ended": {
        "audience": "LERENDE",
        "text": "Ik ben 19 en heb geen diploma. Mag ik nog duaal leren?",
        "postal_code": "8400",
        "age_band": "18-25",
        **contact("Lars Voorbeeld"),
    },
    "urgent": {
        "audience": "LERENDE",
        "text": "Mijn baas laat mij alleen maar poetsen en roept de hele dag. Wat kan ik doen?",
        "postal_code": "8370",
        "age_band": "15-17",
        **contact("Jonas Voorbeeld"),
    },
    "late": {
        "audience": "OUDER",
        "text": "Onze dochter komt al twee weken niet meer buiten en gaat niet meer naar school.",
        "postal_code": "8450",
        "age_band": "15-17",
        **contact("Els Voorbeeld"),
    },
    "anonymous": {
        "audience": "LERENDE",
        "text": "Krijgen mijn ouders nog kinderbijslag als ik zelf geld verdien?",
        "postal_code": "8800",
    },
    "several": {
        "audience": "OUDER",
        "text": "Wie betaalt bij een arbeidsongeval op de werkplek?",
        "postal_code": "8560",
        **contact("Bart Voorbeeld"),
    },
    "withdrawn": {
        "audience": "ORGANISATIE",
        "text": "Kan het Steunpunt iets komen vertellen op onze avond voor ouders?",
        "postal_code": "8630",
        **contact("Sofie Voorbeeld"),
    },
    "expired": {
        "audience": "OUDER",
        "text": "Kan mijn dochter later terug naar gewoon onderwijs?",
        "postal_code": "8770",
    },
}


class Asker:
    """Sends forms as a browser does that keeps no cookies."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url
        self._headers = {"Origin": url, "Accept": "text/html"}

    async def ask(self, **answers: str) -> str:
        """Ask a question; the token of its private link."""
        form = (await self._http.get(f"{self._url}/vraag", headers=self._headers)).text
        found = re.search(r'name="seed" value="([^"]+)"', form)
        assert found
        answer = await self.post("/vraag", seed=found[1], step="send", **answers)
        return urlsplit(answer.headers["Location"]).path.rpartition("/")[2]

    async def post(self, path: str, **answers: str) -> httpx.Response:
        """Send a form that is accepted."""
        answer = await self._http.post(self._url + path, data=answers, headers=self._headers)
        assert answer.status_code == 303, answer.text
        return answer


async def prepare(platform: Platform) -> Scene:
    """Make it all happen."""
    database = await asyncpg.connect(platform.database_urls["intake"])
    try:
        async with httpx.AsyncClient(timeout=30) as http:
            asker = Asker(http, platform.url)
            tokens = {name: await asker.ask(**answers) for name, answers in QUESTIONS.items()}
            await asker.post(
                f"/vraag/volg/{tokens['several']}", text="En moeten wij daarvoor zelf een verzekering nemen?"
            )
            await asker.post(f"/vraag/volg/{tokens['withdrawn']}/intrekken")
        made = {name: Asked(token, await case_of(database, token)) for name, token in tokens.items()}
        scene = Scene(**made)
        await eventually(lambda: referred(database, [made[one.name].case_id for one in fields(Scene)]), within=60)
        await let_time_pass(database, scene)
        return scene
    finally:
        await database.close()


async def case_of(database: Connection, token: str) -> UUID:
    """The case behind a private link."""
    found: UUID = await database.fetchval("select case_id from case_links where token_hash = $1", hash_of(token))
    return found


async def referred(database: Connection, cases: list[UUID]) -> bool:
    """Does intake know of each case whom referral asked?"""
    known = await database.fetchval("select count(distinct case_id) from case_referrals where case_id = any($1)", cases)
    return bool(known == len(cases))


async def let_time_pass(database: Connection, scene: Scene) -> None:
    """Partners answer, and days go by."""
    today = datetime.now(BRUSSELS).date()
    answered = "update case_referrals set acknowledged_on = $2, closed_on = $3, outcome = $4 where case_id = $1"
    await database.execute(answered, scene.taken_up.case_id, today, None, None)
    await database.execute(answered, scene.helped.case_id, today, today, "HELPED")
    await database.execute(answered, scene.ended.case_id, today, today, "NOT_COMPETENT")
    await set_due(database, scene.late, today - timedelta(days=3))
    await set_due(database, scene.advised, today)
    expired = "update case_links set expires_on = $2 where token_hash = $1"
    await database.execute(expired, hash_of(scene.expired.token), today - timedelta(days=1))


async def set_due(database: Connection, asked: Asked, on: date) -> None:
    """By then somebody had to be contacted."""
    await database.execute("update cases set due_on = $2 where id = $1", asked.case_id, on)


async def fill_a_page(platform: Platform) -> None:
    """More cases of one audience than the desk shows on a page; a colleague types them in, as after a fair."""
    token = await asyncio.to_thread(platform.logins.token_of, "demo")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=30, headers=headers) as http:
        for number in range(PAGE_AND_MORE):
            text = f"Vraag {number + 1} van de beurs: welke opleidingen zijn er voor onze sector?"
            question = {"audience": "SECTOR", "channel": "EVENT", "text": text}
            answer = await http.post(f"{platform.url}/api/intake/questions", json=question)
            assert answer.status_code == 202, answer.text


async def session_of(platform: Platform, name: str) -> str:
    """The cookie of somebody of `deploy/login/people.csv` who signed in."""
    (subject,) = (person.account.subject for person in people() if person.name == name)
    async with httpx.AsyncClient(follow_redirects=True, timeout=30) as http:
        choose = await http.get(f"{platform.url}/aanmelden")
        await http.post(str(choose.url), data={"person": subject})
        return http.cookies[SESSION]
