"""Prints every question that reaches the Steunpunt. `python consumer.py 127.0.0.1:PORT`; `make up` prints the port."""

import json
import sys

from confluent_kafka import Consumer

settings = {
    "bootstrap.servers": sys.argv[1],
    "group.id": "partner.dashboards.first-consumer",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
}
seen = set()  # better in your database, in the transaction of what you do with the event
with Consumer(settings) as consumer:  # leaves its group at Ctrl-C, so that its partitions are free at once
    consumer.subscribe(["duaal.intake.cases"])
    while True:
        if (message := consumer.poll(1.0)) is None:
            continue
        if message.error():
            sys.exit(str(message.error()))
        try:
            headers = {name: value.decode() for name, value in message.headers()}
            event, data = (headers["ce_source"], headers["ce_id"]), json.loads(message.value())
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # not an event, and no reason to stop
        if event not in seen:
            print(headers["ce_type"], message.key().decode(), data, flush=True)
            seen.add(event)
        consumer.commit(message=message, asynchronous=False)  # after the work: what is not committed comes again
