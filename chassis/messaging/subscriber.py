"""How FastStream is used, all of it in this file.

FastStream keeps the connection and the consumer group, starts and stops with the process, runs broker middlewares,
calls the handler for each batch, and brings the in-memory broker of the wiring tests.

It must not acknowledge (its `ack` commits the positions of all partitions, also of records that nobody handled), reply
(whoever sends a `reply_to` header would make us publish), parse headers (one that is not UTF-8 loses its whole batch)
or fetch (one unreadable record loses its neighbours). So the policy is MANUAL, `no_reply` is set, and
`RecordSubscriber` brings its own fetch and parser. `tests/chassis/test_faststream_facts.py` fails when one of these
facts changes; `docs/upstream/` has them as reports.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from faststream import AckPolicy
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.broker.registrator import KafkaRegistrator
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.schemas import Topic
from faststream.kafka.subscriber.config import KafkaSubscriberConfig, KafkaSubscriberSpecificationConfig
from faststream.kafka.subscriber.specification import KafkaSubscriberSpecification
from faststream.kafka.subscriber.usecase import BatchSubscriber

from chassis.login import Login
from chassis.messaging.connections import broker_security

METADATA_AGE_MS = 5_000

if TYPE_CHECKING:
    Fetch: TypeAlias = Callable[[AIOKafkaConsumer], Awaitable[Sequence[Any]]]
    Handle: TypeAlias = Callable[[Sequence[Any]], Awaitable[None]]


class RecordSubscriber(BatchSubscriber):
    """A batch subscriber that fetches with a function of ours."""

    def __init__(
        self,
        config: KafkaSubscriberConfig,
        specification: KafkaSubscriberSpecification,
        calls: CallsCollection[Any],
        fetch: "Fetch",
    ) -> None:
        super().__init__(config, specification, calls, batch_timeout_ms=0, max_records=None)
        self._fetch = fetch

    async def get_msg(self, consumer: AIOKafkaConsumer) -> Any:
        """FastStream calls this in its loop, and the handler with whatever it returns unless that is empty."""
        return await self._fetch(consumer)

    def get_log_context(self, message: Any) -> dict[str, str]:  # noqa: ARG002 - FastStream's own reads the first record
        """For FastStream's log lines."""
        return self.build_log_context(None, ",".join(self.topic_names), self.group_id)


class RecordBroker(KafkaBroker):
    """FastStream's broker, with one way to subscribe."""

    def __init__(self, bootstrap_servers: str, client_id: str, login: Login | None = None) -> None:
        super().__init__(
            # As a list: a string with commas would be taken for one host name.
            bootstrap_servers.split(","),
            client_id=client_id,
            # Topics are created by a command.
            allow_auto_create_topics=False,
            # A topic that is created, or deleted and created again, is noticed so soon; by default after five minutes.
            metadata_max_age_ms=METADATA_AGE_MS,
            # What goes wrong is in the log lines of `consumer.py`.
            logger=None,
            security=broker_security(login),
        )

    def subscribe(
        self,
        topics: Sequence[str],
        group: str,
        fetch: "Fetch",
        handle: "Handle",
        listener: ConsumerRebalanceListener,
        *,
        session_timeout: float,
        poll_interval: float,
    ) -> RecordSubscriber:
        """Give `handle` what `fetch` brings, batch after batch, until the broker stops. Times are in seconds.

        Nothing is left to a default of FastStream or aiokafka that could lose or repeat records.
        """
        declared = [Topic.validate(name) for name in topics]
        config = KafkaSubscriberConfig(
            topics=declared,
            group_id=group,
            listener=listener,
            no_reply=True,
            connection_args={
                "auto_offset_reset": "earliest",
                "isolation_level": "read_committed",
                "session_timeout_ms": int(session_timeout * 1000),
                "heartbeat_interval_ms": int(session_timeout * 1000 / 4),
                "max_poll_interval_ms": int(poll_interval * 1000),
                "rebalance_timeout_ms": 60_000,
            },
            _outer_config=self.config,  # type: ignore[arg-type]
            _ack_policy=AckPolicy.MANUAL,
        )
        calls = CallsCollection[Any]()
        specification = KafkaSubscriberSpecification(
            _outer_config=self.config,  # type: ignore[arg-type]
            calls=calls,
            specification_config=KafkaSubscriberSpecificationConfig(topics=declared, title_=group, description_=None),
        )
        subscriber = RecordSubscriber(config, specification, calls, fetch)
        super(KafkaRegistrator, self).subscriber(subscriber)
        subscriber.add_call(parser_=_parse, decoder_=_decode, codec_=None, dependencies_=())

        subscriber(handle)
        return subscriber


async def _parse(batch: Any, _: object) -> KafkaMessage:
    """FastStream's envelope around a batch that it does not look into. Nobody acknowledges through it."""
    return KafkaMessage(raw_message=batch, body=b"", consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> Any:
    """The handler gets the batch as it was fetched."""
    return message.raw_message
