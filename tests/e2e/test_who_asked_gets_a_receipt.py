"""From the public form to the mailbox of who asked, and by the link in that mail back to the question."""

import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from chassis.topics import TOPICS
from contracts.notifications import MessageSent
from deploy.local.platform import Platform
from tests.e2e.listening import records_of, the_event, the_mail

WORDS = "Mijn dochter wil met haar handen werken. Hoe begint ze daaraan?"


@pytest.fixture
async def browser(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a login."""
    headers = {"Origin": platform.url, "Accept": "text/html"}
    async with httpx.AsyncClient(base_url=platform.url, headers=headers, timeout=15) as browser:
        yield browser


async def ask(browser: httpx.AsyncClient, email: str) -> None:
    form = {"audience": "OUDER", "text": WORDS, "contact.email": email}
    answer = await browser.post("/vraag", data={**form, "step": "send", "seed": secrets.token_urlsafe(16)})
    assert answer.status_code == 303, answer.text


async def test_who_asked_on_the_website_gets_a_mail_whose_link_opens_the_question(
    platform: Platform, browser: httpx.AsyncClient
) -> None:
    email = f"kanarie.{secrets.token_hex(4)}@burger.example.org"
    await ask(browser, email)

    mail = await the_mail(platform, lambda mail: mail["To"] == email)
    text = mail.get_content()
    assert WORDS not in text
    (link,) = re.findall(rf"^{re.escape(platform.url)}/vraag/volg/\S+$", text, re.MULTILINE)
    page = await browser.get(link)
    assert page.status_code == 200
    assert WORDS in page.text

    sent = await the_event(platform, MessageSent, lambda event: str(event.message_id) in mail["Message-ID"])
    assert sent.recipient == "asker"
    assert await readers_of(platform, sent.about) == [("ReadContact", "api", "mailer")]
    everywhere_else = await kept_by(platform, "notifications") + logged(platform.directory)
    for topic in TOPICS:
        everywhere_else += "".join(f"{record.headers}{record.value}" for record in await records_of(platform, topic))
    assert str(sent.message_id) in everywhere_else
    for private in (email, link.rpartition("/")[2]):
        assert private not in everywhere_else


async def readers_of(platform: Platform, question_id: object) -> list[tuple[str, str, str]]:
    """Who read how the person behind a question can be reached."""
    connection = await asyncpg.connect(platform.database_urls["intake"])
    try:
        rows = await connection.fetch(
            "select action, way, roles from audit where about = $1 and action = 'ReadContact'", question_id
        )
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


async def kept_by(platform: Platform, service: str) -> str:
    """Every row of every table."""
    connection = await asyncpg.connect(platform.database_urls[service])
    try:
        names = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        return "".join([str(await connection.fetch(f'select t::text from "{name}" t')) for (name,) in names])
    finally:
        await connection.close()


def logged(directory: Path) -> str:
    """What notifications and intake wrote."""
    files = [*directory.glob("services/notifications/*.log"), *directory.glob("services/intake/*.log")]
    assert files
    return "".join(file.read_text() for file in files)
