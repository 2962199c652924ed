"""Every metric, once: its name, its labels and what it says. Dashboards and alerts may use only these."""

from collections import Counter as Tally
from collections.abc import Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry, buckets=SECONDS)
        service = ("service",)
        self.messages = counter("duaal_messages", "Records, by how they ended.", ("service", "type", "outcome"))
        self.handler_seconds = histogram(
            "duaal_handler_seconds", "Duration of one batch, transaction included.", service
        )
        self.critical_time_seconds = histogram(
            "duaal_critical_time_seconds",
            "From the moment a record was written to the moment its effects were committed here.",
            service,
        )
        self.commit_refused = counter(
            "duaal_commit_refused", "Offset commits that the group refused after a rebalance.", service
        )
        self.pauses = counter("duaal_pauses", "Times that a dependency was down.", service)
        self.outbox_unpublished = gauge("duaal_outbox_unpublished", "Events that wait for the broker.", service)
        self.outbox_oldest_age_seconds = gauge(
            "duaal_outbox_oldest_age_seconds", "Age of the oldest event that waits for the broker.", service
        )
        self.timers_waiting = gauge("duaal_timers_waiting", "Timers that wait for their time.", service)
        self.timers_overdue_seconds = gauge(
            "duaal_timers_overdue_seconds", "For how long the longest due timer should have fired.", service
        )
        self.published = counter("duaal_published", "Events acknowledged by the broker.", ("service", "topic"))
        self.publish_failures = counter(
            "duaal_publish_failures", "Rounds of the relay in which a send failed.", service
        )
        self.relay_is_leader = gauge("duaal_relay_is_leader", "1 while this process publishes.", service)
        self.dead_letters_open = gauge("duaal_dead_letters_open", "Dead letters that wait for a person.", service)
        self.parked_records = gauge(
            "duaal_parked_records", "Records that wait behind a dead letter of their key.", service
        )
        self.consumer_lag = gauge("duaal_consumer_lag", "Records behind the end of the topic.", ("service", "topic"))
        self.last_progress = gauge(
            "duaal_consumer_last_progress_timestamp_seconds",
            "When the consumer last had nothing undecided.",
            service,
        )
        self.commands = counter(
            "duaal_http_commands", "HTTP commands, by how they ended.", ("service", "command", "ending")
        )
        self.border = counter(
            "duaal_border_messages",
            "Messages of partners, by what the border made of them.",
            ("partner", "type", "result", "reason"),
        )
        self.outbound_actions = counter(
            "duaal_outbound_actions", "Actions outside the database that were done.", ("service", "step")
        )

    def count(self, service: str, endings: Iterable[tuple[str, str]]) -> None:
        """Count records by type and outcome."""
        for (type_, outcome), number in Tally(endings).items():
            self.messages.labels(service, type_, outcome).inc(number)

    def exposition(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
