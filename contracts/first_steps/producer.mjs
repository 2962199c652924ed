// Sends the Steunpunt one question. `node producer.mjs 127.0.0.1:PORT`; `make up` prints the port.
import { randomUUID } from "node:crypto";
import { Kafka, Partitioners } from "kafkajs";

const kafka = new Kafka({ clientId: "first-producer", brokers: process.argv[2].split(",") });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });

const reference = `V-${randomUUID()}`;
const now = new Date().toISOString();
const question = { reference, audience: "OUDER", topics: ["T03"], age_band: "15-17", language: "nl", received_at: now };
const headers = {
  ce_specversion: "1.0",
  ce_id: randomUUID(), // once per event: sending it again uses the same id
  ce_source: "urn:partner:schoolsoft",
  ce_type: "be.duaalwest.partner.QuestionReceived.v1",
  ce_subject: reference,
  ce_time: now,
  "content-type": "application/json",
};
const messages = [{ key: reference, headers, value: JSON.stringify(question) }];

await producer.connect();
await producer.send({ topic: "partner.schoolsoft.events", messages });
await producer.disconnect();
console.log("sent", reference);
