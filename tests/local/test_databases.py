"""Each service has its own database, and cannot connect to that of another."""

from collections.abc import Iterator

import asyncpg
import pytest

from deploy.local.databases import drop, provision
from deploy.local.stack import Stack
from tests.local import probes


@pytest.fixture
def urls(stack: Stack) -> Iterator[tuple[str, str]]:
    admin = stack.postgres.admin_url
    yield provision(admin, "intake", "t1"), provision(admin, "matching", "t1")
    drop(admin, "intake", "t1")
    drop(admin, "matching", "t1")


async def test_a_service_owns_its_database(urls: tuple[str, str]) -> None:
    intake, _ = urls
    await probes.execute(intake, "create schema private; create table private.learners (name text)")
    assert await probes.fetch(intake, "select current_user || '@' || current_database()") == "intake_t1@intake_t1"


async def test_a_service_cannot_connect_to_the_database_of_a_sibling(urls: tuple[str, str]) -> None:
    intake, _ = urls
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await asyncpg.connect(intake.removesuffix("intake_t1") + "matching_t1")


async def test_a_service_cannot_become_its_sibling(urls: tuple[str, str]) -> None:
    intake, _ = urls
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await probes.execute(intake, "set role matching_t1")


async def test_a_wrong_password_is_refused(urls: tuple[str, str]) -> None:
    intake, _ = urls
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(intake.replace("intake_t1:", "intake_t1:x"))


async def test_provisioning_again_keeps_data_and_url(stack: Stack, urls: tuple[str, str]) -> None:
    intake, _ = urls
    await probes.execute(intake, "create table learners as select 'Lotte' as name")
    assert provision(stack.postgres.admin_url, "intake", "t1") == intake
    assert await probes.fetch(intake, "select name from learners") == "Lotte"


async def test_dropping_works_under_a_connected_service_and_twice(stack: Stack) -> None:
    admin = stack.postgres.admin_url
    connection = await asyncpg.connect(provision(admin, "referral", "t2"))
    drop(admin, "referral", "t2")
    drop(admin, "referral", "t2")
    connection.terminate()
    assert await probes.fetch(admin, "select count(*) from pg_roles where rolname = 'referral_t2'") == 0


@pytest.mark.parametrize("name", ["Intake", 'x"; drop role postgres', "", "1st"])
def test_a_name_that_needs_quoting_is_refused(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a database"):
        provision(stack.postgres.admin_url, name)
