"""`duaal`: the command line of the platform."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from chassis.messaging.topic_creation import create_topics
from chassis.partners import read_partners
from deploy.access.cli import partners as partner_commands
from deploy.asyncapi.serve import server as asyncapi_server
from deploy.contracts.commands import app as contracts
from deploy.demo.main import KILLS, run_demo
from deploy.local.platform import PARTNERS, Platform
from deploy.local.ports import HOST
from deploy.local.stack import StackError
from deploy.login.accounts import people
from deploy.new_service.cli import new
from deploy.services import SERVICES
from deploy.status import NOTHING_AS_JSON, status, table_of
from deploy.up import FOLDER, FOLDERS, OPEN, SECURED, bring_down, bring_up, stop_parts, what_is_up

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console()


@app.command()
def up(
    secure: Annotated[bool, typer.Option("--secure", help="Kafka requires logins, as in a deployment.")] = False,
) -> None:
    """Start Kafka, PostgreSQL, mail, the services, their gateway and the logins; they stay up for you to play with."""
    folder = SECURED if secure else OPEN
    if (running := what_is_up()) and running[0] != folder:
        raise StackError(f"Another platform is up, in {running[0]}: `make down` stops it.")
    try:
        with console.status("Kafka, PostgreSQL and mail; databases, topics, services..."):
            platform = bring_up(folder, secure=secure)
    except KeyboardInterrupt as interrupt:
        console.print("Interrupted: what this run had started is stopped again; what ran before still runs.")
        number = next(iter(interrupt.args), signal.SIGINT)
        raise typer.Exit(128 + number) from None
    _print_addresses(platform)


@app.command()
def down(
    parts: Annotated[
        list[str] | None, typer.Argument(help="Only these, until the next `up`: kafka-1, postgres, mail, a service.")
    ] = None,
) -> None:
    """Stop what `up` started, whatever of it is alive; the data stay for the next time."""
    if parts and (running := what_is_up()):
        names = stop_parts(running[0], parts)
        console.print(f"Stopped {', '.join(names)}." if names else "None of them was up.", soft_wrap=True)
        return
    stopped = {folder: names for folder in FOLDERS if (names := bring_down(folder))}
    for folder, names in stopped.items():
        console.print(f"Stopped {', '.join(names)}.", soft_wrap=True)
        console.print(f"Down. The data are kept in {folder}.")
    if not stopped:
        console.print("Nothing is up.")


@app.command("status")
def show_status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: null is what cannot be measured.")] = False,
) -> None:
    """Each part of the platform: whether it is up, ready and behind; exit code 0 when all is well, otherwise 1."""
    found = status()
    if as_json:
        typer.echo(found.as_json() if found else NOTHING_AS_JSON)
    elif found:
        Console(width=max(console.width, 150)).print(table_of(found))
    else:
        console.print("Nothing is up: `make up` starts the platform.")
    raise typer.Exit(0 if found and found.well else 1)


@app.command("token")
def show_token(
    client: Annotated[str, typer.Argument(help="A program of deploy/login/clients.csv.")] = "demo",
) -> None:
    """A bearer token for a program, from the login provider that `make up` started."""
    running = what_is_up()
    if running is None:
        raise StackError("nothing runs here; `make up` starts the platform")
    typer.echo(running[1].logins.token_of(client))


@app.command()
def demo(
    kill: Annotated[str, typer.Option(help=f"What is killed half way: {' | '.join(KILLS)}.")] = "referral",
    seed: Annotated[int, typer.Option(help="Seed of the generated day.")] = 1,
) -> None:
    """Drive a day of real traffic through everything, kill -9 a service half way, and judge the result."""
    if kill not in KILLS:
        raise typer.BadParameter(f"{kill} is none of {', '.join(KILLS)}")
    raise typer.Exit(run_demo(FOLDER / "demo", kill, seed, console))


@app.command()
def asyncapi(port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 0) -> None:
    """Serve what goes over Kafka as pages to read: per service, for partners, and per partner."""
    with asyncapi_server(port) as pages:
        console.print(f"http://{HOST}:{pages.server_port}/ until Ctrl-C")
        with suppress(KeyboardInterrupt):
            pages.serve_forever()


app.add_typer(contracts, name="contracts")
app.add_typer(new, name="new")

topics = typer.Typer(no_args_is_help=True, help="Topics, from the manifests of the contracts.")
app.add_typer(topics, name="topics")


@topics.command("create")
def topics_create(
    bootstrap_servers: Annotated[str, typer.Argument(help="host:port, comma separated")],
    replication: Annotated[int, typer.Option(help="Copies of each partition.")] = 3,
) -> None:
    """Create every topic of the manifests, partners' too; existing topics get the settings of their manifest."""
    partners = read_partners(PARTNERS)
    difference = asyncio.run(create_topics(bootstrap_servers, replication=replication, partners=partners))
    typer.echo(f"{len(difference.made)} topics made: {', '.join(difference.made) or 'all were there'}")
    for line in (*difference.changed, *difference.too_narrow):
        typer.echo(line)


app.add_typer(partner_commands, name="partners")

ServiceName = Annotated[str, typer.Argument(help=" | ".join(SERVICES))]
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("service", context_settings=PASS_ON)
def service(context: typer.Context, name: ServiceName) -> None:
    """Run one service: `duaal service matching run` is `python -m services.matching run`."""
    _hand_over(name, *context.args)


@app.command("dead-letters", context_settings=PASS_ON)
def dead_letters(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="list | show | redrive | discard")],
    name: ServiceName,
) -> None:
    """Look at the records that a service set aside, try them again, or close them."""
    _hand_over(name, "dead-letters", action, *context.args)


@app.command(context_settings=PASS_ON)
def outbox(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="list | release | skip")],
    name: ServiceName,
) -> None:
    """Look at the records that Kafka did not take, try them at once, or take them out."""
    _hand_over(name, "outbox", action, *context.args)


@app.command(context_settings=PASS_ON)
def replay(context: typer.Context, name: ServiceName) -> None:
    """Make a service, which has to be stopped, read its topics again."""
    _hand_over(name, "replay", *context.args)


@app.command()
def rebuild(
    name: ServiceName, projection: Annotated[str, typer.Argument(help="One of its read models, by its table.")]
) -> None:
    """Make a read model of a service again from its topic, and swap it in; the service may go on meanwhile."""
    _hand_over(name, "rebuild", projection)


@app.command()
def lag(name: ServiceName) -> None:
    """How far a service is behind the end of its topics."""
    _hand_over(name, "lag")


def _hand_over(name: str, *arguments: str) -> None:
    """Replace this process by the service's command; without settings in the environment, on the running platform."""
    if name not in SERVICES:
        raise typer.BadParameter(f"{name} is none of {', '.join(SERVICES)}")
    environment = dict(os.environ)
    if f"{name.upper()}_DATABASE_URL" not in environment and (running := what_is_up()):
        environment |= running[1].environment(name)
    os.execve(sys.executable, [sys.executable, "-m", f"services.{name}", *arguments], environment)


def _print_addresses(platform: Platform) -> None:
    stack = platform.stack
    typer.echo(platform.url)
    typer.echo(f"Sign in at {platform.url}/aanmelden as:")
    for person in people():
        typer.echo(f"  {person.name:<24} {', '.join(person.account.roles):<14} {person.account.institution or ''}")
    table = Table("what", "where", title="The platform is up; `make down` stops it", title_justify="left")
    table.add_row("Kafka", stack.kafka.bootstrap_servers)
    if stack.kafka.passwords:
        table.add_row("its users and passwords", f"{stack.kafka.passwords.file} (SCRAM-SHA-512 over SASL_PLAINTEXT)")
    table.add_row("PostgreSQL (admin)", stack.postgres.admin_url)
    for name, url in platform.database_urls.items():
        table.add_row(f"database of {name}", url)
    table.add_row("SMTP", f"{stack.mail.host}:{stack.mail.port}")
    table.add_row("mailbox", str(stack.mail.mailbox))
    table.add_row("partners over HTTP", f"{platform.urls['intake']}/partner/events, tokens in {platform.tokens.file}")
    table.add_row("login provider", f"{platform.logins.issuer}/.well-known/openid-configuration")
    table.add_row("secrets of programs", str(platform.logins.secrets))
    for name, url in platform.urls.items():
        table.add_row(name, f"{url}/openapi.json  {url}/ready  {url}/metrics")
    Console(width=max(console.width, 140)).print(table)


def main() -> None:
    """Entry point. Errors that the user can solve are printed as one sentence, without a traceback."""
    try:
        app()
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
