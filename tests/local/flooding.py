"""The flood as a process of its own, so that it takes no time from who looks at it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.partners import Partner
from deploy.local.stack import Kafka


@contextmanager
def flooding(kafka: Kafka, partner: Partner, kind: str) -> Iterator[str]:
    """Meanwhile this partner floods its topic; what it says of the broker."""
    assert kafka.passwords
    topic, password = partner.events_topic, kafka.passwords.of(partner.user)
    command = [sys.executable, "-m", "tests.local.flood", kafka.bootstrap_servers, partner.user, topic, kind]
    environment = {**os.environ, "FLOOD_PASSWORD": password}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()
