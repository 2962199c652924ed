// standardwebhooks (npm): one line of JSON in, {secret, headers, body: base64}; one out, {event} or {refused}.
// What it verified, cloudevents (npm) reads.
import { createInterface } from "node:readline";
import { HTTP } from "cloudevents";
import { Webhook } from "standardwebhooks";

function receive({ secret, headers, body }) {
  try {
    const text = Buffer.from(body, "base64").toString();
    new Webhook(secret).verify(text, headers);
    return { event: HTTP.toEvent({ headers, body: text }) };
  } catch (error) {
    return { refused: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(receive(JSON.parse(line))));
