"""Chooses what provides a server: the environment, this machine itself, or Docker."""

import os
from collections.abc import Callable
from enum import StrEnum

from deploy.local import java, native_postgres
from deploy.local.server import StackError

KAFKA_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
POSTGRES_VARIABLE = "DATABASE_URL"
KAFKA_REMEDY = "Java 17 and Maven (apt install openjdk-17-jre-headless maven)"
POSTGRES_REMEDY = "the packages of the project (uv sync)"


class Provider(StrEnum):
    GIVEN = "given"
    NATIVE = "native"
    DOCKER = "docker"


def choose_kafka() -> Provider:
    return _choose("Kafka", KAFKA_VARIABLE, java.missing, KAFKA_REMEDY)


def choose_postgres() -> Provider:
    return _choose("PostgreSQL", POSTGRES_VARIABLE, native_postgres.missing, POSTGRES_REMEDY)


def given() -> dict[str, str]:
    """The addresses of servers that are set in the environment, by variable."""
    variables = (KAFKA_VARIABLE, POSTGRES_VARIABLE)
    return {variable: os.environ[variable] for variable in variables if os.environ.get(variable)}


def _choose(product: str, variable: str, missing: Callable[[], list[str]], remedy: str) -> Provider:
    if variable in given():
        return Provider.GIVEN
    if os.environ.get("LOCAL_STACK") == "docker":
        return _docker("LOCAL_STACK=docker is set but no Docker daemon answers: start Docker or unset LOCAL_STACK.")
    lacks = missing()
    if not lacks:
        return Provider.NATIVE
    return _docker(
        f"{product} cannot run here, because {' and '.join(lacks)} cannot be found and no Docker daemon answers: "
        f"install {remedy}, or start Docker, or set {variable}."
    )


def _docker(otherwise: str) -> Provider:
    # Imported here, because it is seldom needed and loading the Docker client takes a third of a second.
    from deploy.local import containers  # noqa: PLC0415

    if not containers.docker_answers():
        raise StackError(otherwise)
    return Provider.DOCKER
