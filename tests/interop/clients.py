"""Kafka clients of others: each reads a whole topic, or writes records to one, byte for byte."""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from deploy.local import java

FOLDER = Path(__file__).parent
MURMUR2 = "murmur2_random"
"""librdkafka's name for Java's partitioner; its own default chooses other partitions."""
SECONDS = 180

FIELD, HEADER, RECORD = "\x1f", "\x1d", "\x1e"
"""Separators that do not occur in a vector."""
NULL = "\x16"


class Record(NamedTuple):
    """A record as on the wire, with its partition."""

    key: bytes | None
    headers: list[tuple[str, bytes | None]]
    value: bytes | None
    partition: int = 0


Reader = Callable[[str, str, int], list[Record]]
"""Bootstrap servers, topic of one partition, number of records: those records, in order."""
Writer = Callable[[str, str, Iterable[Record]], None]
"""Bootstrap servers, topic, records: they are written when it returns."""


def run(*command: str | bytes, given: str | bytes = "") -> bytes:
    """Run a program; returns its output, and fails when the program fails."""
    given = given.encode() if isinstance(given, str) else given
    done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, check=False, cwd=FOLDER)
    assert done.returncode == 0, f"{command!r} ended with {done.returncode}: {done.stderr.decode()[-2000:]}"
    return done.stdout


def read_with_confluent(servers: str, topic: str, number: int) -> list[Record]:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "interop", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    try:
        messages = consumer.consume(number, timeout=SECONDS)
    finally:
        consumer.close()
    assert [message.error() for message in messages] == [None] * number
    return [_of_confluent(message) for message in messages]


def _of_confluent(message: Message) -> Record:
    """The type stub also allows the header formats of a producer; a consumer returns pairs of bytes."""
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return Record(message.key(), headers, message.value(), message.partition() or 0)


def write_with_confluent(servers: str, topic: str, records: Iterable[Record]) -> None:
    producer = Producer({"bootstrap.servers": servers, "partitioner": MURMUR2, "enable.idempotence": True})
    for record in records:
        producer.produce(topic, record.value, record.key, headers=[*record.headers])
    assert producer.flush(SECONDS) == 0


def read_with_kcat(servers: str, topic: str, number: int) -> list[Record]:
    form = FIELD.join(("%p", "%k", "%h", "%S", "%s")) + RECORD
    printed = run("kcat", "-q", "-C", "-b", servers, "-t", topic, "-o", "beginning", "-c", str(number), "-f", form)
    return [_of_kcat(*one.split(FIELD.encode())) for one in printed.split(RECORD.encode())[:-1]]


def _of_kcat(partition: bytes, key: bytes, headers: bytes, size: bytes, value: bytes) -> Record:
    """kcat writes headers as `a=b,c=d`, which is unambiguous as long as no value holds a comma, and NULL for null."""
    pairs = [header.split(b"=", 1) for header in headers.split(b",") if header]
    named = [(name.decode(), None if text == b"NULL" else text) for name, text in pairs]
    return Record(key, named, None if size == b"-1" else value, int(partition))


def write_with_kcat(servers: str, topic: str, records: Iterable[Record]) -> None:
    """One process per record, `key<FIELD>value<RECORD>` on its input; with `-Z` an empty value is null."""
    for key, headers, value, _ in records:
        pairs = [name.encode() if text is None else name.encode() + b"=" + text for name, text in headers]
        run(
            *("kcat", "-P", "-Z", "-b", servers, "-t", topic, "-X", f"partitioner={MURMUR2}"),
            *("-K", FIELD, "-D", RECORD),
            *(word for pair in pairs for word in (b"-H", pair)),
            given=FIELD.encode().join((key or b"", value or b"")) + RECORD.encode(),
        )


def read_with_console_consumer(servers: str, topic: str, number: int) -> list[Record]:
    found = java.find_java()
    assert found
    properties = {
        **{f"print.{part}": "true" for part in ("partition", "headers", "key")},
        "key.separator": FIELD,
        "headers.separator": HEADER,
        "line.separator": RECORD,
        "null.literal": NULL,
    }
    printed = run(
        *found.command(java.jars(), "org.apache.kafka.tools.consumer.ConsoleConsumer"),
        *("--bootstrap-server", servers, "--topic", topic, "--partition", "0", "--offset", "earliest"),
        *("--max-messages", str(number), "--timeout-ms", str(SECONDS * 1000)),
        *(word for name, text in properties.items() for word in ("--formatter-property", f"{name}={text}")),
    )
    return [_of_console(*one.split(FIELD.encode())) for one in printed.split(RECORD.encode())[:-1]]


def _of_console(partition: bytes, headers: bytes, key: bytes, value: bytes) -> Record:
    def bytes_of(text: bytes) -> bytes | None:
        return None if text == NULL.encode() else text

    pairs = [header.split(b":", 1) for header in headers.split(HEADER.encode()) if b":" in header]
    named = [(name.decode(), bytes_of(text)) for name, text in pairs]
    return Record(key, named, bytes_of(value), int(partition.removeprefix(b"Partition:")))


def read_with_kafkajs(servers: str, topic: str, number: int) -> list[Record]:
    printed = run("node", "kafkajs.mjs", "read", servers, topic, str(number))
    return [_from_json(line) for line in printed.splitlines()]


def write_with_kafkajs(servers: str, topic: str, records: Iterable[Record]) -> None:
    run("node", "kafkajs.mjs", "write", servers, topic, given="".join(map(_to_json, records)))


def _from_json(line: bytes) -> Record:
    read = json.loads(line)
    headers = [(name, _bytes(value)) for name, value in read["headers"]]
    return Record(_bytes(read["key"]), headers, _bytes(read["value"]), read["partition"])


def _to_json(record: Record) -> str:
    headers = [(name, _text(value)) for name, value in record.headers]
    return json.dumps({"key": _text(record.key), "headers": headers, "value": _text(record.value)}) + os.linesep


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
