"""`duaal partners`: the rights that follow from the partners' manifests, to review and to apply."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaConnectionError

from chassis.login import Login
from chassis.messaging.topic_creation import create_topics
from chassis.partners import InvalidManifest, Partner, read_partners
from chassis.topics import topics_with
from deploy.access import strimzi
from deploy.access.grant import grant
from deploy.access.listing import listing
from deploy.access.passwords import Passwords
from deploy.access.rules import access_of
from deploy.asyncapi.document import text_of
from deploy.asyncapi.page import page_of
from deploy.asyncapi.views import of_partner
from deploy.local.platform import PARTNERS
from deploy.local.stack import StackError
from deploy.services import SERVICES
from deploy.up import what_is_up

partners = typer.Typer(no_args_is_help=True, help="Partners, from their manifests in deploy/partners.")

Manifests = Annotated[Path, typer.Option(help="Folder of the manifests.", exists=True, file_okay=False)]


@partners.command()
def generate(
    out: Annotated[Path | None, typer.Option(help="Write everything to this folder.")] = None,
    manifests: Manifests = PARTNERS,
) -> None:
    """Show who may do what on Kafka; with --out also Strimzi's resources, and the AsyncAPI page of each partner."""
    known = _read(manifests)
    accesses = access_of(SERVICES, known.values())
    typer.echo(listing(accesses), nl=False)
    if out is None:
        return
    made = {
        "access.txt": listing(accesses),
        "kafka-users.yaml": strimzi.users(accesses),
        "kafka-topics.yaml": strimzi.topics(topics_with(known)),
    }
    for partner in known.values():
        document = of_partner(partner)
        made |= {f"{partner.id}.asyncapi.yaml": text_of(document), f"{partner.id}.html": page_of(document)}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (out / name).write_text(text, encoding="utf-8")
    typer.echo(f"\nWritten to {out}: {', '.join(made)}")


@partners.command()
def apply(
    bootstrap_servers: Annotated[
        str | None, typer.Argument(help="host:port, comma separated; without it, the platform that is up.")
    ] = None,
    user: Annotated[str, typer.Option(help="A user of Kafka that may set rights.")] = "admin",
    password: Annotated[str, typer.Option(envvar="KAFKA_PASSWORD", help="Of that user.")] = "",
    ca_file: Annotated[Path | None, typer.Option(help="The authority that signs Kafka's certificates, in PEM.")] = None,
    replication: Annotated[int, typer.Option(help="Copies of each partition of a new topic.")] = 3,
    passwords: Annotated[Path, typer.Option(help="File in which the password of each user is kept.")] = Path(
        ".local/kafka-passwords.json"
    ),
    manifests: Manifests = PARTNERS,
) -> None:
    """Bring a secured Kafka in line with the manifests: topics, users, rights and quotas; other rights are removed."""
    if bootstrap_servers is None:
        bootstrap_servers, login, kept, replication = _what_is_up()
    else:
        login, kept = Login(user, password, ca_file=ca_file), Passwords(passwords)
    known = _read(manifests)
    try:
        difference = asyncio.run(create_topics(bootstrap_servers, replication=replication, partners=known, login=login))
    except KafkaConnectionError:
        raise StackError(
            f"{login.username} cannot log in to Kafka at {bootstrap_servers}: "
            "the address, the user or the password (KAFKA_PASSWORD) is wrong, or it is down."
        ) from None
    gone = grant(bootstrap_servers, login, access_of(SERVICES, known.values()), kept.of)
    for line in (*difference.changed, *difference.too_narrow):
        typer.echo(line)
    made = ", ".join(difference.made) or "none"
    typer.echo(f"{len(known)} partners; topics made: {made}; users removed: {', '.join(gone) or 'none'}")
    typer.echo(f"The passwords are in {kept.file}, which only its owner can read.")


def _what_is_up() -> tuple[str, Login, Passwords, int]:
    running = what_is_up()
    if running is None:
        raise StackError("Nothing is up: say where Kafka is, or `make up SECURE=1` first.")
    kafka = running[1].stack.kafka
    if kafka.admin is None or kafka.passwords is None:
        raise StackError("The platform that is up needs no logins: `make down`, then `make up SECURE=1`.")
    return kafka.bootstrap_servers, kafka.admin, kafka.passwords, min(3, len(kafka.brokers))


def _read(manifests: Path) -> dict[str, Partner]:
    try:
        return read_partners(manifests)
    except InvalidManifest as error:
        raise StackError(str(error)) from None
