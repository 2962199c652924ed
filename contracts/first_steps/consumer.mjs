// Prints every question that reaches the Steunpunt. `node consumer.mjs 127.0.0.1:PORT`; `make up` prints the port.
import { decompress } from "fzstd";
import kafkajs from "kafkajs";

const { CompressionCodecs, CompressionTypes, Kafka } = kafkajs;
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ decompress: async (bytes) => Buffer.from(decompress(bytes)) });
const kafka = new Kafka({ clientId: "first-consumer", brokers: process.argv[2].split(",") });
const consumer = kafka.consumer({ groupId: "partner.dashboards.first-consumer-in-javascript" });
const seen = new Set(); // better in your database, in the transaction of what you do with the event

await consumer.connect();
await consumer.subscribe({ topics: ["duaal.intake.cases"], fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => {
    let headers, data;
    try {
      const texts = Object.entries(message.headers).map(([name, value]) => [name, value.toString()]);
      [headers, data] = [Object.fromEntries(texts), JSON.parse(message.value)];
    } catch {
      return; // not an event, and no reason to stop
    }
    const event = `${headers.ce_source} ${headers.ce_id}`;
    if (seen.has(event)) return;
    console.log(headers.ce_type, message.key?.toString(), data);
    seen.add(event);
  }, // kafkajs commits after this: what it did not commit comes again
});
process.once("SIGINT", () => consumer.disconnect()); // leaves its group at Ctrl-C, so that its partitions are free at once
