"""Sends the Steunpunt one question. `python producer.py 127.0.0.1:PORT`; `make up` prints the port."""

import json
import sys
from datetime import UTC, datetime
from uuid import uuid4

from confluent_kafka import Producer

producer = Producer({"bootstrap.servers": sys.argv[1], "partitioner": "murmur2_random", "enable.idempotence": True})
reference, now = f"V-{uuid4()}", datetime.now(UTC).isoformat()
question = {"reference": reference, "audience": "OUDER", "topics": ["T03"], "age_band": "15-17", "language": "nl"}
headers = {
    "ce_specversion": "1.0",
    "ce_id": str(uuid4()),  # once per event: sending it again uses the same id
    "ce_source": "urn:partner:schoolsoft",
    "ce_type": "be.duaalwest.partner.QuestionReceived.v1",
    "ce_subject": reference,
    "ce_time": now,
    "content-type": "application/json",
}
producer.produce(
    "partner.schoolsoft.events",
    json.dumps({**question, "received_at": now}),
    reference,
    headers=headers,
    on_delivery=lambda error, _: error and sys.exit(str(error)),
)
producer.flush()
print("sent", reference)
