// cloudevents (npm): `read` and `write`, one JSON object per line in and out.
// A message is {key, headers: {name: text}, value: base64 or null}, an event what JSON.stringify makes of a CloudEvent.
import { createInterface } from "node:readline";
import { CloudEvent, Kafka } from "cloudevents";

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const bytes = (base64) => (base64 === null ? null : Buffer.from(base64, "base64"));

const work = {
  read({ key, headers, value }) {
    try {
      return { event: Kafka.toEvent({ key, headers, value: bytes(value) }) };
    } catch (error) {
      return { refused: error.message };
    }
  },
  write({ mode, event }) {
    const { key, headers, value } = Kafka[mode](new CloudEvent(event));
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    return { key, headers: sent, value: Buffer.from(text(value)).toString("base64") };
  },
}[process.argv[2]];

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(work(JSON.parse(line))));
