"""Brings the users, rights and quotas of a Kafka in line with the manifests."""

import time
from collections.abc import Callable, Iterable, Sequence

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError, for_code
from kafka.protocol.admin import AlterClientQuotasRequest

from chassis.login import Login
from chassis.messaging.connections import client_arguments
from deploy.access.rules import Access, Quota, Rule
from deploy.local.server import StackError

OURS = ("duaal.", "partner.")
"""Prefixes of the names of our users. Only these are made and removed; other users of the cluster stay as they are."""
SECONDS = 30.0


def grant(
    bootstrap_servers: str, login: Login, accesses: Sequence[Access], password_of: Callable[[str], str]
) -> list[str]:
    """Bring users, rights and quotas in line; returns the users that were removed.

    Open connections stay open, with the new rights at once.

    Raises:
        StackError: Kafka cannot be reached with this login, or refuses a change.
    """
    try:
        with KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","), bootstrap_timeout_ms=15_000, **client_arguments(login)
        ) as admin:
            users = {access.user for access in accesses}
            rights = {_acl(access.user, rule) for access in accesses for rule in access.rules}
            gone = sorted(_users(admin) - users)
            _align_users(admin, {user: password_of(user) for user in users}, gone)
            _align_rights(admin, rights)
            _align_quotas(admin, {access.user: access.quota for access in accesses}, gone)
            _wait(lambda: _users(admin) == users and _rights(admin) == rights)
            return gone
    except KafkaError as error:
        raise StackError(f"{login.username} could not set rights on Kafka at {bootstrap_servers}: {error!r}") from error


def _users(admin: KafkaAdminClient) -> set[str]:
    return {user for user in admin.describe_user_scram_credentials() if user.startswith(OURS)}


def _rights(admin: KafkaAdminClient) -> set[ACL]:
    everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, error = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, everything))
    if error.errno:
        raise error
    return {acl for acl in found if acl.principal.startswith(tuple(f"User:{beginning}" for beginning in OURS))}


def _align_users(admin: KafkaAdminClient, passwords: dict[str, str], gone: Iterable[str]) -> None:
    mechanism = ScramMechanism.SCRAM_SHA_512
    errors = admin.alter_user_scram_credentials(
        [
            *(UserScramCredentialUpsertion(user, mechanism, password) for user, password in passwords.items()),
            *(UserScramCredentialDeletion(user, mechanism) for user in gone),
        ]
    )
    for user, error in errors.items():
        if error:
            raise StackError(f"Kafka refused the password of {user}: {error}")


def _align_rights(admin: KafkaAdminClient, wanted: set[ACL]) -> None:
    present = _rights(admin)
    if missing := wanted - present:
        for error in admin.create_acls(list(missing))["failed"]:
            raise error
    if surplus := present - wanted:
        for _, _, error in admin.delete_acls([_exactly(acl) for acl in surplus]):
            if error.errno:
                raise error


def _align_quotas(admin: KafkaAdminClient, quotas: dict[str, Quota | None], gone: Iterable[str]) -> None:
    entries = [_quota(user, quota) for user, quota in {**quotas, **dict.fromkeys(gone)}.items()]
    request = AlterClientQuotasRequest(entries=entries, validate_only=False)
    # The admin client has no method for quotas yet.
    for entry in admin._manager.run(admin._manager.send, request).entries:
        if entry.error_code:
            raise for_code(entry.error_code)(entry.error_message)


def _wait(done: Callable[[], bool]) -> None:
    """Wait until the brokers show a change: they may be a second behind the controller that answered."""
    deadline = time.monotonic() + SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise StackError(f"Kafka took the users and their rights, but did not show them within {SECONDS:.0f} s.")
        time.sleep(0.05)


def _quota(user: str, quota: Quota | None) -> AlterClientQuotasRequest.EntryData:
    kind = AlterClientQuotasRequest.EntryData
    limits = {
        "producer_byte_rate": quota and quota.bytes_per_second,
        "consumer_byte_rate": quota and quota.bytes_per_second,
        "request_percentage": quota and quota.thread_percentage,
    }
    ops = [kind.OpData(key=key, value=float(value or 0), remove=value is None) for key, value in limits.items()]
    return kind(entity=[kind.EntityData(entity_type="user", entity_name=user)], ops=ops)


def _acl(user: str, rule: Rule) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if rule.prefix else ACLResourcePatternType.LITERAL
    return ACL(
        f"User:{user}",
        "*",
        ACLOperation[rule.operation.upper()],
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType[rule.resource.upper()], rule.name, pattern),
    )


def _exactly(acl: ACL) -> ACLFilter:
    pattern = acl.resource_pattern
    same = ResourcePatternFilter(pattern.resource_type, pattern.resource_name, pattern.pattern_type)
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, same)
