"""Topics on a real Kafka follow their manifests, also those that existed before."""

from chassis.messaging.topic_creation import create_topics
from chassis.testing.eventually import eventually
from chassis.topics import DAY_MS
from tests.chassis.broker import Broker, a_name

WEEK = str(7 * DAY_MS)


async def there_is(broker: Broker, topic: str, partitions: int, **settings: str) -> str:
    """A topic that exists already; Kafka shows it a moment after it was made."""
    config = {name.replace("_", "."): value for name, value in settings.items()}
    await broker.make_topic(topic, partitions=partitions, config=config)
    await eventually(lambda: broker.partitions_of(topic), lambda found: found == partitions)
    return topic


async def test_a_topic_that_is_not_there_is_made_as_its_manifest_says(broker: Broker) -> None:
    partner = a_name("new")
    made = (await create_topics(broker.servers, partners=[partner])).made
    assert {f"partner.{partner}.events", f"partner.{partner}.rejected"} <= set(made)
    settings = await eventually(lambda: broker.settings_of(f"partner.{partner}.events"))
    assert (settings["retention.ms"], settings["message.timestamp.type"]) == (WEEK, "LogAppendTime")


async def test_the_settings_of_a_topic_that_is_there_become_those_of_its_manifest(broker: Broker) -> None:
    partner = a_name("drifted")
    topic = await there_is(
        broker,
        f"partner.{partner}.events",
        partitions=3,
        retention_ms="3600000",
        message_timestamp_type="LogAppendTime",
        segment_ms="600000",
    )
    changed = (await create_topics(broker.servers, partners=[partner])).changed
    assert [line for line in changed if line.startswith(topic)] == [
        f"{topic}: retention.ms from 3600000 to {WEEK}",
        f"{topic}: compression.type to uncompressed",
    ]
    settings = await eventually(lambda: broker.settings_of(topic), lambda found: found["retention.ms"] == WEEK)
    assert (settings["compression.type"], settings["segment.ms"]) == ("uncompressed", "600000")
    await eventually(
        lambda: create_topics(broker.servers, partners=[partner]), lambda again: not (again.made or again.changed)
    )


async def test_a_topic_with_too_few_partitions_keeps_them_and_is_reported(broker: Broker) -> None:
    partner = a_name("narrow")
    topic = await there_is(broker, f"partner.{partner}.events", partitions=2)
    (line,) = (await create_topics(broker.servers, partners=[partner])).too_narrow
    assert line.startswith(f"{topic} has 2 partitions and its manifest says 3")
    assert await broker.partitions_of(topic) == 2


async def test_a_topic_with_more_partitions_than_its_manifest_keeps_them(broker: Broker) -> None:
    partner = a_name("wide")
    topic = await there_is(broker, f"partner.{partner}.events", partitions=5)
    assert (await create_topics(broker.servers, partners=[partner])).too_narrow == []
    assert await broker.partitions_of(topic) == 5
