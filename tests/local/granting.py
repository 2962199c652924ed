"""Partners for tests, next to those of the demo, on a secured Kafka."""

from collections.abc import Iterable
from datetime import date

from chassis.messaging.topic_creation import create_topics
from chassis.partners import Calendar, Partner, Quota, read_partners
from deploy.access.grant import grant
from deploy.access.rules import access_of
from deploy.local.blocking import wait_for
from deploy.local.platform import PARTNERS
from deploy.local.stack import Kafka
from deploy.services import SERVICES

DEMO = read_partners(PARTNERS)


def a_partner(name: str) -> Partner:
    """A partner that sends workplaces and reads nothing. Intake does not consume its topic."""
    return Partner(
        id=name,
        name=name,
        contact=f"api@{name}.example.org",
        sources=(f"urn:partner:{name}",),
        publishes=("be.duaalwest.partner.WorkplaceRegistered.v1",),
        reads=(),
        quota=Quota(events_per_minute=60, bytes_per_second=131072),
        calendar=Calendar(since=date(2026, 9, 1)),
    )


def allow(kafka: Kafka, *others: Partner) -> list[str]:
    """Grant the partners of the demo and these others the rights of their manifests, and nothing to other users.

    Returns the users that were removed.
    """
    assert kafka.admin
    assert kafka.passwords
    partners: Iterable[Partner] = [*DEMO.values(), *others]
    wait_for(create_topics(kafka.bootstrap_servers, partners=[partner.id for partner in partners], login=kafka.admin))
    return grant(kafka.bootstrap_servers, kafka.admin, access_of(SERVICES, partners), kafka.passwords.of)
