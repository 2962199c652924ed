"""Who a client of ours is to Kafka; without a login, it talks to a Kafka that asks nobody."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Login:
    """A user of Kafka. SCRAM-SHA-512 is the one mechanism that we use."""

    username: str
    password: str = field(repr=False)
    tls: bool = True
    """Off only where the way to Kafka stays on this machine."""
    ca_file: Path | None = None
    """Who signs the certificates of Kafka; without it, whoever this machine trusts."""
