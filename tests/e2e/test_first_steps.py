"""The first consumer and the first producer in the README of the contracts, run against the platform."""

from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import AdminClient

from contracts.intake import QuestionReceived
from deploy.local.platform import Platform
from services.intake.application.partner_messages import id_of
from tests.e2e.programs import FILES, LANGUAGES, printed_by, shown, started

TYPE = QuestionReceived.declaration.type
GROUPS = {"py": "partner.dashboards.first-consumer", "mjs": "partner.dashboards.first-consumer-in-javascript"}


@pytest.mark.parametrize("name", ["consumer.py", "producer.py", "consumer.mjs", "producer.mjs"])
def test_the_readme_shows_the_file_and_it_is_thirty_lines_at_most(name: str) -> None:
    assert shown(name) == (FILES / name).read_text()
    assert len(shown(name).splitlines()) <= 30


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_first_consumer_prints_a_question_over_http_and_one_of_the_first_producer(
    language: str, platform: Platform, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    consumer, producer, servers = f"consumer.{language}", f"producer.{language}", platform.stack.kafka.bootstrap_servers
    question = {"audience": "OUDER", "text": "Is duaal leren iets voor mijn zoon?", "postal_code": "8970"}
    async with started(consumer, shown(consumer), tmp_path, servers) as reading:
        asked = await http.post(f"{platform.urls['intake']}/questions", json=question)
        assert TYPE in await printed_by(reading, asked.json()["case_id"])

        async with started(producer, shown(producer), tmp_path, servers) as writing:
            reference = (await printed_by(writing, "sent")).split()[-1]
        assert TYPE in await printed_by(reading, id_of("schoolsoft", "case", reference))
    assert not members_of(GROUPS[language], servers), "it did not leave its group, so the next one has to wait"


def members_of(group: str, servers: str) -> list[object]:
    admin = AdminClient({"bootstrap.servers": servers})
    return list(admin.describe_consumer_groups([group])[group].result(timeout=30).members)
