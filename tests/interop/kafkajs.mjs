// kafkajs: `read <servers> <topic> <number>` and `write <servers> <topic>`, one record per line of JSON:
// {partition, key, headers: [[name, value]], value}, all bytes in base64, null as null.
import { createInterface } from "node:readline";
import { decompress } from "fzstd";
import kafkajs from "kafkajs";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ decompress: async (bytes) => Buffer.from(decompress(bytes)) });

const [action, servers, topic, number] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "interop", brokers: servers.split(","), logLevel: logLevel.ERROR });
const written = (bytes) => (bytes === null ? null : bytes.toString("base64"));
const bytes = (base64) => (base64 === null ? null : Buffer.from(base64, "base64"));

// A header that was sent twice is a list in kafkajs.
const pairs = (headers) => Object.entries(headers).flatMap(([name, values]) => [values].flat().map((v) => [name, written(v)]));

async function read() {
  const consumer = kafka.consumer({ groupId: `interop-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let left = Number(number);
  await new Promise((done, failed) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
    consumer.run({
      eachMessage: async ({ partition, message: { key, headers, value } }) => {
        console.log(JSON.stringify({ partition, key: written(key), headers: pairs(headers), value: written(value) }));
        if (--left === 0) done();
      },
    });
  });
  await consumer.disconnect();
}

async function write() {
  const producer = kafka.producer();
  await producer.connect();
  for await (const line of createInterface({ input: process.stdin })) {
    const { key, headers, value } = JSON.parse(line);
    const named = Object.fromEntries(headers.map(([name, value]) => [name, bytes(value)]));
    await producer.send({ topic, messages: [{ key: bytes(key), headers: named, value: bytes(value) }] });
  }
  await producer.disconnect();
}

await { read, write }[action]();
