// What @asyncapi/parser finds wrong with each file: one line of JSON per file. It looks at neither examples nor words.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;

for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(await readFile(file, "utf8"));
  const errors = diagnostics.filter(({ severity }) => severity === ERROR);
  console.log(
    JSON.stringify({
      errors: errors.map(({ code, path, message }) => `${path.join(".")}: ${code}: ${message}`),
      // With its traits applied: what a partner's tool would generate code from.
      headers: document?.messages().all().map((message) => Object.keys(message.headers()?.json().properties ?? {})) ?? [],
    }),
  );
}
