"""Metrics are a contract: declared once, with a sentence of help and without personal data."""

import re
from uuid import uuid4

from chassis.observability.metrics import Metrics
from chassis.testing.builders import a_record
from chassis.testing.fakes import MemoryStore
from tests.builders import a_question
from tests.chassis.conftest import Rig
from tests.chassis.tally import a_count

LABELS = {"service", "type", "outcome", "topic", "command", "status", "step", "partner", "result", "reason"}


def test_every_metric_has_our_prefix_and_one_sentence_of_help() -> None:
    for metric in Metrics().registry.collect():
        assert metric.name.startswith("duaal_")
        assert re.fullmatch(r"[A-Z0-9].*\.", metric.documentation), metric.name


def test_every_metric_can_be_read_as_an_attribute_and_is_declared_once() -> None:
    metrics = Metrics()
    names = [metric.name for metric in metrics.registry.collect()]
    assert len(names) == len(set(names)) == len(vars(metrics)) - 1


async def test_labels_are_few_and_hold_no_id_and_nothing_that_a_stranger_chose() -> None:
    rig = Rig(MemoryStore())
    record, type_ = a_record(a_count()), f"be.x.{uuid4()}".encode()
    stranger = record._replace(headers=[(n, type_ if n == "ce_type" else v) for n, v in record.headers])
    poison = a_record(a_count())._replace(value=b"{}")
    await rig.deliver(a_record(a_count()), a_record(a_question()), stranger, poison)
    samples = [sample for metric in rig.metrics.registry.collect() for sample in metric.samples]
    found = {name: {s.labels[name] for s in samples if name in s.labels} for s in samples for name in s.labels}
    assert found.keys() - {"le"} <= LABELS
    assert found["type"] == {"be.duaalwest.tally.Counted.v1", "other"}
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", rig.metrics.exposition().decode())


async def test_the_time_a_batch_took_is_measured() -> None:
    rig = Rig(MemoryStore())
    await rig.deliver(a_record(a_count()))
    labels = {"service": "tally"}
    assert rig.metrics.registry.get_sample_value("duaal_handler_seconds_count", labels) == 1
