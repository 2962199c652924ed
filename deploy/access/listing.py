"""The rights of every user as text that a person can review."""

from collections.abc import Iterable

from deploy.access.rules import Access, Quota

HEADER = """\
# Users of Kafka (SCRAM-SHA-512), what each may do, and its quota. What is not here is refused.
# `prefix` is every name that begins so. Made from contracts/topics and the partners' manifests.
"""


def listing(accesses: Iterable[Access]) -> str:
    """One paragraph per user, one line per right."""
    return "\n".join([HEADER, *(_paragraph(access) for access in accesses)])


def _paragraph(access: Access) -> str:
    rules = [
        f"    {rule.operation:<5}  {rule.resource:<5}  {'prefix' if rule.prefix else 'only':<6}  {rule.name}\n"
        for rule in access.rules
    ]
    return f"{access.user}: {_limits(access.quota)}\n{''.join(rules)}"


def _limits(quota: Quota | None) -> str:
    if quota is None:
        return "no quota"
    return f"{quota.bytes_per_second} bytes/s written and as many read, {quota.thread_percentage} % of a thread"
